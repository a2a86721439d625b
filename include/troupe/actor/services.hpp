// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <troupe/actor/needs.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

struct definition;

// How a service is given: the type of the object, and its owner, which is null for an object that the program owns.
template <class Given>
struct service_source {};

template <class T>
struct service_source<std::reference_wrapper<T>> {
  using object = T;
  static T* get(const std::reference_wrapper<T>& given) noexcept { return std::addressof(given.get()); }
  static std::shared_ptr<const void> keep(std::reference_wrapper<T>&&) noexcept { return nullptr; }
};

template <class T>
struct service_source<std::shared_ptr<T>> {
  using object = T;
  static T* get(const std::shared_ptr<T>& given) noexcept { return given.get(); }
  static std::shared_ptr<const void> keep(std::shared_ptr<T>&& given) noexcept { return std::move(given); }
};

template <class T, class Delete>
struct service_source<std::unique_ptr<T, Delete>> {
  using object = T;
  static T* get(const std::unique_ptr<T, Delete>& given) noexcept { return given.get(); }
  static std::shared_ptr<const void> keep(std::unique_ptr<T, Delete>&& given) {
    return std::shared_ptr<T>{std::move(given)};
  }
};

template <class Given>
concept service_given = requires { typename service_source<Given>::object; };

}  // namespace detail

/// Objects of the program that its actors use: clients of other systems, settings, caches. A value of
/// `runtime_options`, from which actors get each object by its type, with `c.service<T>()`.
///
///     smtp_server server{"mail.example.com"};
///     troupe::runtime runtime{registry, {.services = troupe::services{}.provide<mail_server>(std::ref(server))}};
///
/// Actors run on several threads, so an object that can change guards itself. Copies share the objects. Not thread-safe
/// itself; the runtime has a copy that does not change.
class services {
 public:
  services() = default;

  /// Adds an object under exactly one type: that of the object, or `Interface`, from which it derives. `std::ref(x)`,
  /// or `std::cref(x)` for a `const` type, leaves it with the program, which keeps it until the runtime has ended. A
  /// `std::shared_ptr` or `std::unique_ptr` is kept until the runtime has ended, and the runtime's handles do not keep
  /// it for longer. Errors: `config.invalid` for a second object under one type, and for a null pointer.
  template <class Interface = void, class Given>
  services& provide(Given given) {
    static_assert(detail::service_given<Given>,
                  "troupe: a service is given as std::ref(object), which stays the program's own, or as a "
                  "std::shared_ptr or std::unique_ptr");
    if constexpr (detail::service_given<Given>) {
      using source = detail::service_source<Given>;
      using object = typename source::object;
      using type = std::conditional_t<std::is_void_v<Interface>, object, Interface>;
      constexpr bool derives = std::is_convertible_v<object*, type*>;
      static_assert(derives, "troupe: the object that is given is not one of the type under which it is provided");
      static_assert(detail::is_service<type>, "troupe: a service is an object, and no pointer or array");
      if constexpr (derives && detail::is_service<type>) {
        type* const at = source::get(given);
        add(detail::service_tag<type>, const_cast<void*>(static_cast<const void*>(at)), source::keep(std::move(given)));
      }
    }
    return *this;
  }

  /// The object under this type; null: there is none.
  template <class T>
  [[nodiscard]] T* find() const noexcept {
    return static_cast<T*>(find(detail::service_tag<T>));
  }
  /// The same by the tag of the type, which is compared by its address.
  [[nodiscard]] void* find(const std::string_view& tag) const noexcept {
    for (const auto& each : all_) {
      if (each.tag == &tag) return each.object;
    }
    return nullptr;
  }

 private:
  struct service {
    const std::string_view* tag;
    void* object;
    std::shared_ptr<const void> owner;
  };

  void add(const std::string_view& tag, void* object, std::shared_ptr<const void> owner);

  std::vector<service> all_;  // few, so that looking at each is faster than a hash
};

namespace detail {

/// Throws `config.invalid` unless all that an actor of this type needs is there.
void require_services(const definition& d, const services& given);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
