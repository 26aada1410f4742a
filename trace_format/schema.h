// The generated Cap'n Proto code, which is not held to our warnings.
#pragma once

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include "trace_format/trace.capnp.h"
#pragma GCC diagnostic pop
