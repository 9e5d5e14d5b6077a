#include "lib/base/worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/event_loop.h"

namespace postern::base {
namespace {

TEST(WorkerThread, RunsWorkInOrderElsewhereAndWhatFollowsOnTheLoop) {
  const SystemClock clock;
  EventLoop loop(clock);
  const std::thread::id here = std::this_thread::get_id();
  std::vector<std::string> seen;
  auto elsewhere = std::make_shared<int>(0);
  WorkerThread worker(loop);
  for (int number = 1; number <= 3; ++number) {
    worker.Run(
        [elsewhere, here, number] {
          if (std::this_thread::get_id() != here && *elsewhere == number - 1) *elsewhere = number;
        },
        [&, number] {
          EXPECT_EQ(std::this_thread::get_id(), here);
          seen.push_back(std::to_string(number));
          if (number == 3) loop.Stop();
        });
  }
  loop.Run();
  EXPECT_EQ(seen, (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(*elsewhere, 3) << "in order, and not on the loop's thread";
}

TEST(WorkerThread, WaitsForAllWork) {
  const SystemClock clock;
  EventLoop loop(clock);
  WorkerThread worker(loop);
  auto sum = std::make_shared<int>(0);
  for (int number = 1; number <= 100; ++number)
    worker.Run([sum, number] { *sum += number; }, [] {});
  worker.Wait();
  EXPECT_EQ(*sum, 5050);
}

TEST(WorkerThread, EndsAfterTheWorkThatIsUnderWay) {
  const SystemClock clock;
  EventLoop loop(clock);
  auto began = std::make_shared<std::promise<void>>();
  auto go_on = std::make_shared<std::promise<void>>();
  auto ended = std::make_shared<std::atomic<bool>>(false);
  auto worker = std::make_unique<WorkerThread>(loop);
  worker->Run(
      [began, go_on, ended] {
        began->set_value();
        go_on->get_future().wait();
        *ended = true;
      },
      [] {});
  worker->Run([] {}, [] {});
  began->get_future().wait();
  std::thread release([go_on] { go_on->set_value(); });
  worker.reset();
  EXPECT_TRUE(*ended);
  release.join();
}

}  // namespace
}  // namespace postern::base
