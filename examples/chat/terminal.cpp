// SPDX-License-Identifier: Apache-2.0
#include "terminal.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace chat {
namespace {

constexpr std::size_t line_bytes_max = 1'000;
constexpr std::size_t output_bytes_max = 256 * 1024;

constexpr char ctrl_c = 3, ctrl_d = 4, backspace = 8, rubout = 127;

}  // namespace

terminal::terminal(const char* device) : device_{::open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)} {
  if (device_ < 0 || ::tcgetattr(device_, &before_) != 0) {
    const std::system_error why{errno, std::generic_category(), device};
    if (device_ >= 0) ::close(device_);
    throw why;
  }
  termios mine = before_;
  mine.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);  // the line is edited here
  ::tcsetattr(device_, TCSAFLUSH, &mine);                        // and what was typed for another program is not ours
}

void terminal::hang_up() noexcept {
  if (!is_open()) return;
  write_some();
  if (!is_open()) return;
  ::tcsetattr(device_, TCSANOW, &before_);
  ::close(std::exchange(device_, -1));
  wake_reader();
}

// --- output ---------------------------------------------------------------------------------------------------------

void terminal::print(std::string_view line) { draw(line); }

void terminal::prompt(std::string text) {
  prompt_ = std::move(text);
  draw({});
}

// Writes over the line that is being typed, and then that line again.
void terminal::draw(std::string_view above) {
  if (!is_open()) return;
  output_ += "\r\x1b[K";
  if (!above.empty()) output_.append(above) += '\n';
  output_.append(prompt_) += typed_;
  write_some();
  if (output_.size() > output_bytes_max) hang_up();  // it has been stopped: nobody waits for it
}

void terminal::write_some() noexcept {
  while (!output_.empty()) {
    const auto written = ::write(device_, output_.data(), output_.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return;  // the loop tells when there is room
    if (written < 0) {
      output_.clear();
      return hang_up();
    }
    output_.erase(0, static_cast<std::size_t>(written));
  }
}

// --- input ----------------------------------------------------------------------------------------------------------

void terminal::read_some() {
  char bytes[512];
  const auto count = ::read(device_, bytes, sizeof bytes);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return hang_up();
  for (const char c : std::string_view{bytes, static_cast<std::size_t>(count)}) type(c);
  draw({});
  if (!lines_.empty()) wake_reader();
}

void terminal::type(char c) {
  const auto is_first_byte = [](char b) { return (static_cast<unsigned char>(b) & 0xc0U) != 0x80U; };  // of UTF-8
  switch (c) {
    case '\n': lines_.push_back(std::exchange(typed_, {})); break;
    case ctrl_c: [[fallthrough]];
    case ctrl_d: hang_up(); break;
    case backspace: [[fallthrough]];
    case rubout:
      while (!typed_.empty() && !is_first_byte(typed_.back())) typed_.pop_back();
      if (!typed_.empty()) typed_.pop_back();
      break;
    default:
      if (static_cast<unsigned char>(c) >= ' ' && typed_.size() < line_bytes_max) typed_ += c;
  }
}

void terminal::wake_reader() noexcept {
  if (reader_) std::exchange(reader_, {}).resume();
}

std::optional<std::string> terminal::line_wait::await_resume() {
  if (from.lines_.empty()) return std::nullopt;
  std::optional<std::string> line{std::move(from.lines_.front())};
  from.lines_.pop_front();
  return line;
}

}  // namespace chat
