#include "sidecar/relay/merge.h"

#include <memory>
#include <utility>

namespace postern::relay {

record::RecordPtr Merge(const std::vector<record::RecordPtr>& records) {
  if (records.size() == 1) return records.front();
  std::size_t size = 0;
  for (const record::RecordPtr& record : records) size += record->body.size();
  base::BytesBuilder body(size);
  for (const record::RecordPtr& record : records) body.Append(record->body.view());
  record::Record merged = *records.front();
  merged.body = std::move(body).Finish();
  return std::make_shared<const record::Record>(std::move(merged));
}

}  // namespace postern::relay
