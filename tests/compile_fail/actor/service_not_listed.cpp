// expect: troupe: the actor's manifest does not list this service; add troupe::needs<...> with its type to `using actor = troupe::actor<...>`
#include <troupe/troupe.hpp>

struct mail_server {
  int sent = 0;
};
struct clock_api {
  int now = 0;
};
struct mailer {
  int count = 0;
  void send(troupe::context<mailer>& c) { count = ++c.service<mail_server>().sent; }
  using actor = troupe::actor<mailer, &mailer::send, troupe::needs<clock_api>>;
};

void f(troupe::registry& r) { r.use<mailer>("mailer"); }
