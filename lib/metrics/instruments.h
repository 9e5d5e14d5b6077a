// The three kinds of series: what goes up, what goes up and down, how values are spread.
//
// A Registry makes and owns them; whoever counts holds a reference.
//
//   sent_.Increment(record.size());   // some ten nanoseconds, no lock
#pragma once

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace postern::metrics {

// Starts at zero and only rises. Threads: any.
class Counter {
 public:
  explicit Counter(prometheus::Counter& series) : series_(series) {}
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  // `by` is not negative.
  void Increment(double by = 1);
  double value() const;

 private:
  friend class Registry;
  prometheus::Counter& series_;
};

// Threads: any.
class Gauge {
 public:
  explicit Gauge(prometheus::Gauge& series) : series_(series) {}
  Gauge(const Gauge&) = delete;
  Gauge& operator=(const Gauge&) = delete;

  void Set(double value);
  void Add(double by);
  double value() const;

 private:
  friend class Registry;
  prometheus::Gauge& series_;
};

// Counts values by size. Takes a short lock of its own: not for what happens per byte. Threads:
// any.
class Histogram {
 public:
  explicit Histogram(prometheus::Histogram& series) : series_(series) {}
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;

  void Observe(double value);

 private:
  friend class Registry;
  prometheus::Histogram& series_;
};

}  // namespace postern::metrics
