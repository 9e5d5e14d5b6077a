#include "lib/queue/marks.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lib/queue/internal/fields.h"

namespace postern::queue {

using internal::AppendField;

namespace {
constexpr std::size_t kForgetAtOnce = 16;  // a sixteenth: so that it is rarely done
}

bool MarkTable::IsRepeat(const Hop& hop) const {
  const auto appended = appended_.find(hop.sender);
  if (appended != appended_.end()) return hop.sequence <= appended->second;
  return hop.sequence <= Synced(hop.sender).sequence;
}

void MarkTable::Append(const Hop& hop) {
  std::uint64_t& appended = appended_[hop.sender];
  appended = std::max(appended, hop.sequence);
}

void MarkTable::Sync(const Hop& hop, std::uint64_t age) {
  Mark& mark = synced_[hop.sender];
  if (hop.sequence > mark.sequence) mark = {hop.sequence, hop.crc, age};
  const auto appended = appended_.find(hop.sender);
  if (appended != appended_.end() && appended->second <= mark.sequence) appended_.erase(appended);
  if (synced_.size() > most_) ForgetOldest();
}

Mark MarkTable::Synced(const Sender& sender) const {
  const auto found = synced_.find(sender);
  return found == synced_.end() ? Mark{} : found->second;
}

void MarkTable::Forget(std::uint64_t age) {
  std::erase_if(synced_, [age](const auto& one) { return one.second.age < age; });
}

void MarkTable::ForgetOldest() {
  std::vector<std::uint64_t> ages;
  ages.reserve(synced_.size());
  for (const auto& [sender, mark] : synced_) ages.push_back(mark.age);
  const auto bound = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / kForgetAtOnce);
  std::nth_element(ages.begin(), bound, ages.end());
  std::size_t left = ages.size() / kForgetAtOnce + 1;
  std::erase_if(synced_, [&left, most = *bound](const auto& one) {
    return left > 0 && one.second.age <= most && left-- > 0;
  });
}

std::string MarkTable::Encode() const {
  std::string bytes;
  AppendField(static_cast<std::uint32_t>(synced_.size()), bytes);
  for (const auto& [sender, mark] : synced_) {
    internal::AppendText(sender.member, bytes);
    AppendField(sender.store, bytes);
    AppendField(mark.sequence, bytes);
    AppendField(mark.crc, bytes);
    AppendField(mark.age, bytes);
  }
  return bytes;
}

base::Status MarkTable::Load(std::string_view bytes) {
  internal::FieldReader in(bytes);
  std::map<Sender, Mark> marks;
  const std::uint32_t count = in.U32();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    Sender sender;
    sender.member = in.Text();
    sender.store = in.Array<sizeof(StoreId)>();
    Mark mark;
    mark.sequence = in.U64();
    mark.crc = in.U32();
    mark.age = in.U64();
    marks[std::move(sender)] = mark;
  }
  if (!in.ok() || !in.rest().empty()) return base::Fail(base::Code::kCorrupt, "marks are damaged");
  synced_ = std::move(marks);
  return {};
}

}  // namespace postern::queue
