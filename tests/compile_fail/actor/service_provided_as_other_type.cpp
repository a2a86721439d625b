// expect: troupe: the object that is given is not one of the type under which it is provided
#include <troupe/troupe.hpp>

struct mail_server {
  int sent = 0;
};
struct fake_server {  // should derive from mail_server
  int sent = 0;
};

void f(fake_server& server) { troupe::services{}.provide<mail_server>(std::ref(server)); }
