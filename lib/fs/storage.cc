#include "lib/fs/storage.h"

namespace postern::fs {

base::Status ReadExactly(const File& file, std::uint64_t offset, std::span<char> into) {
  ASSIGN_OR_RETURN(const std::size_t got, file.ReadAt(offset, into));
  if (got == into.size()) return {};
  return base::Fail(base::Code::kCorrupt, "reading " + std::to_string(into.size()) + " bytes at " +
                                              std::to_string(offset) + " of " + file.path() +
                                              ": the file ends before");
}

}  // namespace postern::fs
