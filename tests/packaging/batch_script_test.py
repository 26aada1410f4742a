#!/usr/bin/env python3
"""What packaging/reprise.sbatch does with a recording when something goes wrong. `reprise` and `cp` are stand-ins that fail as told."""

import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "reprise.sbatch"
# record PLATFORM DEPLOYMENT -o FILE: says that it records, and until SIGTERM only FILE.partial is there.
REPRISE = """#!/bin/bash
case $1 in
record)
  file=$5
  mkdir "$file.partial"
  echo events >"$file.partial/guest-0.stream"
  if [ "$RECORD" = stopped ]; then
    trap 'exit 5' TERM
    echo recording
    for _ in {1..3000}; do sleep 0.01; done
  fi
  mv "$file.partial/guest-0.stream" "$file" && rmdir "$file.partial"
  ;;
recover) [ "$RECOVER" = works ] && cp -R "$2/guest-0.stream" "$4" ;;
verify | replay) [ "$(cat "$2")" = events ] ;;
esac
"""
BROKEN_CP = "#!/bin/sh\necho 'cp: no space left' >&2\nexit 1\n"


class BatchScript(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in ("programs", "node", "home"):
            (self.root / name).mkdir()
        self.stand_in("reprise", REPRISE)

    def stand_in(self, name, text):
        program = self.root / "programs" / name
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)

    def start(self, record="whole", recover="works"):
        environment = dict(os.environ, PATH=f"{self.root}/programs:{os.environ['PATH']}", TMPDIR=str(self.root / "node"), SLURM_JOB_ID="1")
        environment.update(RECORD=record, RECOVER=recover)
        return subprocess.Popen(["bash", SCRIPT, "platform.xml", "deployment.xml"], cwd=self.root / "home", env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip

    def stop(self, job, number):
        self.assertEqual(job.stdout.readline(), "recording\n")
        job.send_signal(number)
        return job.communicate(timeout=60)[1]

    def at_home(self):
        return sorted(path.name for path in (self.root / "home").iterdir())

    def left_on_the_node(self):
        return list((self.root / "node").iterdir())

    def test_a_whole_run_is_brought_home(self):
        job = self.start()
        self.assertEqual((job.communicate(timeout=60)[1], job.returncode), ("", 0))
        self.assertEqual(self.at_home(), ["run-1.trace"])
        self.assertEqual(self.left_on_the_node(), [])

    def test_a_stopped_run_is_recovered(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                job = self.start("stopped")
                self.stop(job, number)
                self.assertEqual(job.returncode, 5)
                self.assertEqual(self.at_home(), ["run-1.trace"])
                self.assertEqual(self.left_on_the_node(), [])

    def test_what_cannot_be_recovered_here_is_brought_home_as_it_is(self):
        job = self.start("stopped", "fails")
        self.stop(job, signal.SIGINT)
        self.assertEqual(job.returncode, 5)
        self.assertEqual(self.at_home(), ["run-1.trace.partial"])
        self.assertEqual((self.root / "home/run-1.trace.partial/guest-0.stream").read_text(encoding="utf-8"), "events\n")
        self.assertEqual(self.left_on_the_node(), [])

    def test_what_cannot_be_brought_home_stays_and_is_named(self):
        self.stand_in("cp", BROKEN_CP)
        job = self.start()
        said = job.communicate(timeout=60)[1]
        self.assertNotEqual(job.returncode, 0)
        (left,) = self.left_on_the_node()
        self.assertIn(f"what was recorded is still in {left} on ", said)
        self.assertEqual((left / "run-1.trace").read_text(encoding="utf-8"), "events\n")


if __name__ == "__main__":
    unittest.main()
