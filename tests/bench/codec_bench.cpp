// SPDX-License-Identifier: Apache-2.0
// Direct CBOR beside an nlohmann/json tree that is turned into CBOR: the same struct, the same program.

#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include <troupe/codec/codec.hpp>

namespace {

struct address {
  std::string street;
  std::int32_t number = 0;
};
struct person {
  std::int64_t id = 0;
  std::string name;
  double balance = 0;
  bool active = false;
  address home;
  std::vector<std::int32_t> scores;
};

person a_person() {
  return {1234567890123, "Ada Lovelace", 1024.75, true, {"St James's Square", 12}, {90, 85, 1000, 70}};
}

nlohmann::json tree_of(const person& p) {
  return {{"id", p.id},
          {"name", p.name},
          {"balance", p.balance},
          {"active", p.active},
          {"home", {{"street", p.home.street}, {"number", p.home.number}}},
          {"scores", p.scores}};
}

person person_of(const nlohmann::json& tree) {
  person p;
  tree.at("id").get_to(p.id);
  tree.at("name").get_to(p.name);
  tree.at("balance").get_to(p.balance);
  tree.at("active").get_to(p.active);
  tree.at("home").at("street").get_to(p.home.street);
  tree.at("home").at("number").get_to(p.home.number);
  tree.at("scores").get_to(p.scores);
  return p;
}

void encode_direct(benchmark::State& state) {
  const person p = a_person();
  troupe::buffer out;
  for (auto _ : state) {
    out.clear();
    troupe::encode(p, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["bytes"] = static_cast<double>(out.size());
}
BENCHMARK(encode_direct);

void encode_tree(benchmark::State& state) {
  const person p = a_person();
  for (auto _ : state) benchmark::DoNotOptimize(nlohmann::json::to_cbor(tree_of(p)));
}
BENCHMARK(encode_tree);

void decode_direct(benchmark::State& state) {
  const troupe::bytes encoded = troupe::encode(a_person());
  for (auto _ : state) benchmark::DoNotOptimize(troupe::decode<person>(encoded));
}
BENCHMARK(decode_direct);

// As an actor wakes again and again into the same object.
void decode_into_direct(benchmark::State& state) {
  const troupe::bytes encoded = troupe::encode(a_person());
  person p;
  for (auto _ : state) {
    troupe::decode_into(p, encoded);
    benchmark::DoNotOptimize(p);
  }
}
BENCHMARK(decode_into_direct);

void decode_tree(benchmark::State& state) {
  const auto encoded = nlohmann::json::to_cbor(tree_of(a_person()));
  for (auto _ : state) benchmark::DoNotOptimize(person_of(nlohmann::json::from_cbor(encoded)));
}
BENCHMARK(decode_tree);

}  // namespace

BENCHMARK_MAIN();
