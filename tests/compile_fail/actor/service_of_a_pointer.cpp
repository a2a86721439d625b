// expect: troupe: a service is an object; troupe::needs<...> takes its type without reference or pointer
#include <troupe/troupe.hpp>

struct mail_server {
  int sent = 0;
};
struct mailer {
  int count = 0;
  void send() { ++count; }
  using actor = troupe::actor<mailer, &mailer::send, troupe::needs<mail_server*>>;
};

void f(troupe::registry& r) { r.use<mailer>("mailer"); }
