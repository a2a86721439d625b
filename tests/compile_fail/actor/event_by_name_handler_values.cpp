// expect: troupe: the handler of an event by name takes troupe::bytes_view, the values as a CBOR array
#include <string>

#include <troupe/troupe.hpp>

troupe::subscription f(troupe::untyped_connection& c) {
  return c.on("said", [](const std::string&) {});
}
