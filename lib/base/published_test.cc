#include "lib/base/published.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace postern::base {
namespace {

using Pair = std::pair<int, int>;

TEST(Published, ReaderKeepsItsSnapshotWhileTheNextIsSet) {
  Published<int> published(std::make_shared<const int>(1));
  const std::shared_ptr<const int> held = published.Get();
  published.Set(std::make_shared<const int>(2));
  EXPECT_EQ(*held, 1);
  EXPECT_EQ(*published.Get(), 2);
}

TEST(Published, ReadersNeverSeeHalfOfASnapshot) {
  Published<Pair> published(std::make_shared<const Pair>(0, 0));
  std::atomic<bool> torn = false;
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      int last = 0;
      while (!done) {
        const std::shared_ptr<const Pair> now = published.Get();
        if (now->first != now->second || now->first < last) torn = true;
        last = now->first;
      }
    });
  }
  for (int i = 1; i <= 2'000; ++i) published.Set(std::make_shared<const Pair>(i, i));
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_FALSE(torn);
  EXPECT_EQ(published.Get()->first, 2'000);
}

TEST(CondVar, WakesWhoWaitsAndGivesUpInTime) {
  Mutex mutex;
  CondVar changed;
  bool ready = false;
  std::thread other([&] {
    MutexLock lock(mutex);
    ready = true;
    changed.NotifyAll();
  });
  {
    MutexLock lock(mutex);
    while (!ready) changed.Wait(mutex);
  }
  other.join();
  MutexLock lock(mutex);
  changed.WaitFor(mutex, std::chrono::milliseconds(1));  // nobody signals: it returns all the same
  EXPECT_TRUE(ready);
}

}  // namespace
}  // namespace postern::base
