#include "tests/recorder/simgrid_fixture.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace reprise {
namespace {

/// This process's files; children that run_isolated() makes leave by _exit() and do not remove them.
struct Folder {
  std::filesystem::path path = std::filesystem::path(testing::TempDir()) / fmt::format("simgrid_network_{}", getpid());
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

std::string write_file(const std::string& name, const std::string& text) {
  static const Folder kFolder;
  std::ofstream(kFolder.path / name) << text;
  return (kFolder.path / name).string();
}

}  // namespace

std::string write_state(const std::string& text) {
  const std::string path = write_file("state.txt", text);
  return path.substr(path.rfind('/') + 1);
}

std::string write_platform(const std::string& body) {
  return write_file("platform.xml",
                    "<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
                    "<platform version=\"4.1\">\n" +
                        body + "\n</platform>\n");
}

std::string star(int hosts, const std::string& bandwidth, const std::string& latency) {
  std::string body = "<zone id=\"z\" routing=\"Full\">";
  for (int i = 0; i < hosts; ++i) {
    body += fmt::format("<host id=\"h{}\" speed=\"1Gf\"/>", i);
    for (const char* direction : {"up", "down"}) {
      body += fmt::format("<link id=\"{}{}\" bandwidth=\"{}\" latency=\"{}\"/>", direction, i, bandwidth, latency);
    }
  }
  for (int from = 0; from < hosts; ++from) {
    for (int to = 0; to < hosts; ++to) {
      if (from != to) {
        body += fmt::format(
            "<route src=\"h{0}\" dst=\"h{1}\" symmetrical=\"NO\"><link_ctn id=\"up{0}\"/><link_ctn id=\"down{1}\"/></route>", from, to);
      }
    }
  }
  return write_platform(body + "</zone>");
}

std::string pair_of_hosts(const std::string& link_attributes, const Lines& link_properties) {
  std::string properties;
  for (const auto& property : link_properties) {
    properties += "\n" + property;
  }
  return write_platform("<zone id=\"z\" routing=\"Full\"><host id=\"h0\" speed=\"1Gf\"/><host id=\"h1\" speed=\"1Gf\"/><link id=\"l\" " +
                        link_attributes + ">" + properties + "</link><route src=\"h0\" dst=\"h1\"><link_ctn id=\"l\"/></route></zone>");
}

std::vector<Attachment> on_hosts(const Lines& hosts) {
  std::vector<Attachment> attachments;
  for (size_t i = 0; i < hosts.size(); ++i) {
    attachments.push_back({hosts[i], fmt::format("deployment.xml:{}: actor 'g{}'", i + 4, i)});
  }
  return attachments;
}

std::vector<Attachment> guests(int count) {
  Lines hosts;
  for (int i = 0; i < count; ++i) {
    hosts.push_back(fmt::format("h{}", i));
  }
  return on_hosts(hosts);
}

Status simulate(const std::string& platform, const std::vector<Attachment>& attachments, ToyParticipants& toys, VirtualTime until,
                const Lines& options, Duration longest_turn, const NetworkConditions& conditions) {
  ASSIGN_OR_RETURN(auto network, make_simgrid_network(platform, attachments, options, conditions));
  return network->simulate(toys, {.until = until, .longest_turn = longest_turn});
}

std::string failure(const Status& status) {
  return status.ok() ? "" : status.error().message;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace reprise
