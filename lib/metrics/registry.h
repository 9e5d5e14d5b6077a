// Registry: every metric of a program, and the page that Prometheus reads.
//
// Made in app/ and passed by reference; there is no global one. It reads nothing from the objects
// that count: they write, on their own threads, and a scrape only reads what was written.
//
//   Registry registry("0.1.0");
//   Counter& sent = registry.AddCounter("postern_link_records_total", "Records sent.",
//                                       {{"peer", "ms1"}});
//
// A family is one name with one kind, help text and set of buckets. It is declared by the first
// call that names it and stays declared; its series, told apart by labels, may come and go.
// Declaring it again in another way is a bug and stops the program, as is a name that does not
// match postern_[a-z0-9_]+ or a label that does not match [a-z][a-z0-9_]*.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/mutex.h"
#include "lib/metrics/instruments.h"

namespace postern::metrics {

// Values are for people and are shown as printable ASCII: another byte becomes '?', because one
// that is not UTF-8 makes Prometheus refuse the whole page.
using Labels = std::map<std::string, std::string>;

// Threads: any.
class Registry {
 public:
  // What Render writes.
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

  // `version` stands in postern_build_info{version="…"} 1.
  explicit Registry(std::string version);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // Returns the series, at zero where it is new. Adding a series that is there already returns that
  // one, and counts: it goes with the last Remove. The reference holds until then.
  Counter& AddCounter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& AddGauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // `buckets` are upper bounds, rising; the one without bound is added to them.
  Histogram& AddHistogram(const std::string& name, const std::string& help, const Labels& labels,
                          const std::vector<double>& buckets);

  // Declares a family before its first series, so that its name is known from the start.
  void DeclareCounter(const std::string& name, const std::string& help);
  void DeclareGauge(const std::string& name, const std::string& help);

  // The series is not to be touched afterwards.
  void Remove(Counter& series);
  void Remove(Gauge& series);
  void Remove(Histogram& series);

  // Returns every series, and those of the process and the build, in the text format 0.0.4, in the
  // order of names and labels. Families without a series are left out.
  std::string Render() const;

  // Returns the names of all families that are declared, and of those that are always there,
  // sorted.
  std::vector<std::string> Names() const;

 private:
  struct Families;

  const std::string version_;
  mutable base::Mutex mutex_;
  const std::unique_ptr<Families> families_ GUARDED_BY(mutex_);
};

}  // namespace postern::metrics
