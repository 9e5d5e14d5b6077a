// How jemalloc behaves in this program (https://jemalloc.net/jemalloc.3.html#tuning), read by it at
// start. Two arenas, because two threads allocate much: the loop and the one that delivers. What is
// freed goes back to the system within a fifth of a second, by a thread of jemalloc's own, because
// after a burst nobody may come to do it: it must not stay with the process.
//
// Without jemalloc, in builds with a sanitizer, nobody reads it.
extern "C" {
// NOLINTNEXTLINE(readability-identifier-naming): the library's name for it
extern const char* const malloc_conf;
const char* const malloc_conf =
    "narenas:2,dirty_decay_ms:200,muzzy_decay_ms:0,background_thread:true";
}
