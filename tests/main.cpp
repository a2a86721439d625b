// SPDX-License-Identifier: Apache-2.0
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

#include <cstdio>

namespace {

// Names each test as it begins, unbuffered: when one hangs and is killed, what it leaves says which.
class announcer final : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;
  void testCaseStarting(const Catch::TestCaseInfo& test) override {
    TestEventListenerBase::testCaseStarting(test);
    std::fputs(("begins: " + test.name + "\n").c_str(), stderr);
  }
};
CATCH_REGISTER_LISTENER(announcer)

}  // namespace
