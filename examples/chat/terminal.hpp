// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include <termios.h>

namespace chat {

/// One user at a terminal: a line that is being typed, below everything that was said. All of it runs on the thread of
/// the program's loop, which says when there is something to read or room to write.
class terminal {
 public:
  /// Opens the device. Throws std::system_error if it is none, or not a terminal.
  explicit terminal(const char* device);
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;
  ~terminal() { hang_up(); }

  /// Shows a line above the one that is being typed.
  void print(std::string_view line);
  /// What stands before the line that is being typed.
  void prompt(std::string text);

  /// `co_await tty.line()`: the next line; nothing once the terminal has hung up, or its user pressed ^C or ^D.
  [[nodiscard]] auto line() noexcept { return line_wait{*this}; }

  [[nodiscard]] bool is_open() const noexcept { return device_ >= 0; }
  void hang_up() noexcept;

  // --- for the loop ---

  /// For poll(2): a hung-up terminal is -1, which poll leaves out.
  [[nodiscard]] int device() const noexcept { return device_; }
  /// Who types faster than the room answers has to wait.
  [[nodiscard]] bool wants_input() const noexcept { return lines_.size() < 16; }
  [[nodiscard]] bool has_output() const noexcept { return !output_.empty(); }
  void read_some();
  void write_some() noexcept;

 private:
  struct line_wait {
    explicit line_wait(terminal& t) noexcept : from{t} {}
    [[nodiscard]] bool await_ready() const noexcept { return !from.lines_.empty() || !from.is_open(); }
    void await_suspend(std::coroutine_handle<> h) noexcept { from.reader_ = h; }
    [[nodiscard]] std::optional<std::string> await_resume();
    terminal& from;
  };

  void type(char c);
  void draw(std::string_view above);
  void wake_reader() noexcept;

  int device_ = -1;
  termios before_{};
  std::string prompt_, typed_, output_;
  std::deque<std::string> lines_;
  std::coroutine_handle<> reader_;
};

}  // namespace chat
