// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// All of troupe that an application needs. Types with nlohmann `to_json`/`from_json`, and state migrations, also
/// need `troupe/json.hpp`; tests may use `troupe/testing.hpp`.

#include <troupe/actor/context.hpp>
#include <troupe/actor/define.hpp>
#include <troupe/actor/manifest.hpp>
#include <troupe/actor/needs.hpp>
#include <troupe/actor/options.hpp>
#include <troupe/actor/registry.hpp>
#include <troupe/actor/services.hpp>
#include <troupe/client/client.hpp>
#include <troupe/client/handle.hpp>
#include <troupe/client/untyped.hpp>
#include <troupe/codec/codec.hpp>
#include <troupe/codec/transient.hpp>
#include <troupe/core/blocking.hpp>
#include <troupe/core/delay.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/executor.hpp>
#include <troupe/core/promise.hpp>
#include <troupe/core/task.hpp>
#include <troupe/core/when.hpp>
#include <troupe/runtime/runtime.hpp>
#include <troupe/store/memory_store.hpp>
#include <troupe/store/sqlite_store.hpp>
