// Clocks of a program that go otherwise: Debian's faketime.
//
//   relay.SetVariable("LD_PRELOAD", FindFaketime());
//   relay.SetVariable("FAKETIME", "+0 x30");
//
// Threads: any.
#pragma once

namespace postern::chaos {

// The library, which the dynamic loader finds; null where it is not installed. The one for threads:
// the other deadlocks.
const char* FindFaketime();

}  // namespace postern::chaos
