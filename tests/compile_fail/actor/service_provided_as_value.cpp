// expect: troupe: a service is given as std::ref(object), which stays the program's own, or as a std::shared_ptr or std::unique_ptr
#include <troupe/troupe.hpp>

struct mail_server {
  int sent = 0;
};

void f(mail_server& server) { troupe::services{}.provide(server); }
