#include "lib/metrics/instruments.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include "lib/base/check.h"

namespace postern::metrics {

void Counter::Increment(double by) {
  CHECK(by >= 0, "a counter only rises");
  series_.Increment(by);
}

double Counter::value() const { return series_.Value(); }

void Gauge::Set(double value) { series_.Set(value); }

void Gauge::Add(double by) { series_.Increment(by); }

double Gauge::value() const { return series_.Value(); }

void Histogram::Observe(double value) { series_.Observe(value); }

}  // namespace postern::metrics
