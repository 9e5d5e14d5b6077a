// gRPC's headers, for this folder's sources. They bring Abseil's, which define a macro of the name
// that lib/base/mutex.h uses: after this header it is what it was before.
//
// Threads: immutable.
#pragma once

#pragma push_macro("GUARDED_BY")
#undef GUARDED_BY
#include <grpc/compression.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/alarm.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>
#undef GUARDED_BY
#pragma pop_macro("GUARDED_BY")
