#!/usr/bin/env python3
"""Plants one violation of each kind, and expects check_layers.py to name its file and line; and expects silence where all is well."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).with_name("check_layers.py")


def check(files: dict[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            file = pathlib.Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        done = subprocess.run([sys.executable, SCRIPT, folder], stdout=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stdout


class CheckLayers(unittest.TestCase):
    def assert_refused(self, name: str, text: str, line: int = 1) -> None:
        code, output = check({name: text})
        self.assertEqual(code, 1, output)
        self.assertTrue(output.startswith(f"{name}:{line}: "), output)
        self.assertEqual(output.count("\n"), 1, output)

    def assert_accepted(self, name: str, text: str) -> None:
        code, output = check({name: text})
        self.assertEqual(code, 0, output)

    def test_the_format_includes_nobody(self) -> None:
        self.assert_refused("trace_format/chunk.cc", '#include "trace_format/ids.h"\n\n#include "launcher/guest_machine.h"\n', line=3)

    def test_recorder_and_replayer_do_not_know_each_other(self) -> None:
        self.assert_refused("recorder/barrier.cc", '#include "replayer/verifier.h"\n')
        self.assert_refused("replayer/replay.cc", '#include "recorder/deployment.h"\n')

    def test_analysis_reads_traces_only(self) -> None:
        self.assert_accepted("analysis/diff.cc", '#include "trace_format/trace_reader.h"\n')
        self.assert_refused("analysis/diff.cc", '#include "replayer/verifier.h"\n')

    def test_the_plugin_knows_the_protocol_and_the_comparison_only(self) -> None:
        self.assert_accepted("qemu_hooks/live_session.cc", '#include "recorder/guest_protocol.h"\n#include "replayer/verifier.h"\n')
        self.assert_refused("qemu_hooks/live_session.cc", '#include "recorder/barrier.h"\n')
        self.assert_refused("qemu_hooks/replay_session.cc", '#include "replayer/replay.h"\n')

    def test_the_command_line_includes_all_but_what_runs_beside_guests(self) -> None:
        self.assert_accepted("cli/main.cc", '#include "recorder/recording.h"\n#include "replayer/replay.h"\n')
        self.assert_refused("cli/main.cc", '#include "qemu_hooks/live_session.h"\n')

    def test_no_spelling_goes_around_it(self) -> None:
        self.assert_refused("trace_format/chunk.cc", "#include <recorder/barrier.h>\n")
        self.assert_refused("trace_format/chunk.cc", '#include "../recorder/barrier.h"\n')
        self.assert_refused("process_hooks/client.c", '#include "recorder/barrier.h"\n')

    def test_simgrid_has_one_place(self) -> None:
        self.assert_accepted("recorder/simgrid_network.cc", "#include <simgrid/s4u.hpp>\n")
        self.assert_refused("recorder/barrier.cc", "#include <simgrid/s4u.hpp>\n")
        self.assert_refused("recorder/barrier.cc", "#include <xbt/log.h>\n")

    def test_qemu_has_one_place(self) -> None:
        self.assert_accepted("qemu_hooks/qemu_internals.cc", 'auto* f = dlsym(RTLD_DEFAULT, "timer_mod_ns");\n')
        self.assert_accepted("qemu_hooks/plugin.cc", "// found with dlsym() elsewhere\n")
        self.assert_refused("qemu_hooks/plugin.cc", 'auto* f = dlsym(RTLD_DEFAULT, "timer_mod_ns");\n')
        self.assert_refused("qemu_hooks/plugin.cc", "#include <qemu-plugin.h>\n")

    def test_a_new_folder_needs_a_layer(self) -> None:
        self.assert_refused("new_part/thing.cc", '#include "trace_format/ids.h"\n')

    def test_names_say_something(self) -> None:
        self.assert_refused("recorder/utils.h", "#pragma once\n")
        self.assert_refused("recorder/common/queue.h", "#pragma once\n")

    def test_no_sources_is_an_error_not_a_pass(self) -> None:
        self.assertEqual(check({"examples/guest/x.c": ""})[0], 2)


if __name__ == "__main__":
    unittest.main()
