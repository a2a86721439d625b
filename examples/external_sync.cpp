// SPDX-License-Identifier: Apache-2.0
// External sync: the actors are the truth, and a table elsewhere mirrors them, for queries over all of them or for
// programs that know nothing of actors. Use it for search, reports and lists. The mirror may be ahead of the truth by
// what a crash undid, so it is brought into line on every wake; never decide anything from the mirror.

#include <troupe/troupe.hpp>

#include <functional>
#include <mutex>
#include <string>

#include <sqlite3.h>

#include "support.hpp"

// A second SQLite file with a table of its own. Actors run on several threads, so it has a lock.
class product_table {
 public:
  explicit product_table(const std::string& file) {
    check(sqlite3_open(file.c_str(), &db_) == SQLITE_OK);
    run("CREATE TABLE IF NOT EXISTS product (sku TEXT PRIMARY KEY, name TEXT, stock INTEGER)");
  }
  product_table(const product_table&) = delete;
  product_table& operator=(const product_table&) = delete;
  ~product_table() { sqlite3_close(db_); }

  void put(const std::string& sku, const std::string& name, int stock) {
    run("INSERT INTO product VALUES (?1, ?2, ?3) ON CONFLICT (sku) DO UPDATE SET name = ?2, stock = ?3", sku, name, stock);
  }
  void remove(const std::string& sku) { run("DELETE FROM product WHERE sku = ?1", sku); }
  int count(const std::string& condition) { return run("SELECT count(*) FROM product WHERE " + condition); }

 private:
  static void bind(sqlite3_stmt* s, int at, const std::string& text) {
    sqlite3_bind_text(s, at, text.c_str(), -1, SQLITE_TRANSIENT);
  }
  static void bind(sqlite3_stmt* s, int at, int number) { sqlite3_bind_int(s, at, number); }

  template <class... T>
  int run(const std::string& sql, const T&... values) {
    const std::lock_guard lock{mutex_};
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
    int at = 0;
    (bind(statement, ++at, values), ...);
    const int first = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 0;
    check(sqlite3_finalize(statement) == SQLITE_OK);
    return first;
  }

  std::mutex mutex_;
  sqlite3* db_ = nullptr;
};

// [product]
struct product {
  std::string name;
  int stock = 0;

  void on_wake(troupe::context<product>& c) { show(c); }                 // repairs what a crash left
  void on_state_change(troupe::context<product>& c) const { show(c); }   // once per turn that changed something
  void on_destroy(troupe::context<product>& c) { c.service<product_table>().remove(c.key().canonical()); }

  void rename(std::string to) { name = std::move(to); }
  int deliver(int pieces) { return stock += pieces; }
  int sell() {
    if (stock == 0) throw troupe::user_error{"out_of_stock", "No " + name + " left"};
    return --stock;
  }
  void withdraw(troupe::context<product>& c) { c.destroy(); }

  using actor = troupe::actor<product, &product::rename, &product::deliver, &product::sell, &product::withdraw,
                              troupe::needs<product_table>>;

 private:
  void show(troupe::context<product>& c) const {
    c.service<product_table>().put(c.key().canonical(), name, stock);
  }
};
// [/product]

int main() {
  const temporary_folder folder;
  troupe::registry registry;
  registry.use<product>("product");
  {
    // [program]
    product_table mirror{folder / "reports.db"};
    troupe::runtime runtime{registry, {.store = troupe::sqlite{folder / "shop.db"},
                                       .services = troupe::services{}.provide(std::ref(mirror))}};
    // [/program]
    auto apple = runtime.client().get_or_create<product>("apple");
    auto pear = runtime.client().get_or_create<product>("pear");
    apple.call<&product::deliver>(1).get();
    pear.call<&product::deliver>(2).get();
    apple.call<&product::sell>().get();

    check(mirror.count("stock = 0") == 1);  // a query over all products, which no actor could answer
    check(mirror.count("1") == 2);
    pear.call<&product::withdraw>().get();
    runtime.shutdown();
    check(mirror.count("1") == 1);
  }

  // The mirror is lost. The truth is not: each product is mirrored again when it wakes.
  std::filesystem::remove(folder / "reports.db");
  product_table mirror{folder / "reports.db"};
  troupe::runtime runtime{registry, {.store = troupe::sqlite{folder / "shop.db"},
                                     .services = troupe::services{}.provide(std::ref(mirror))}};
  for (const auto& each : runtime.run(runtime.client().list<product>())) {
    runtime.client().get_for_id<product>(each.id).call<&product::deliver>(0).get();
  }
  check(mirror.count("sku = 'apple' AND stock = 0") == 1);
  return 0;
}
