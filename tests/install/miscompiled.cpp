// SPDX-License-Identifier: Apache-2.0
// What troupe_check_coroutines must find: it is never compiled.
#include <string>

#include <troupe/troupe.hpp>

struct job {
  std::string what;
};

troupe::task<> take(job);

troupe::task<> give() { co_await take(job{"mow the lawn"}); }
