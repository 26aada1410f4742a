"""The verdict of examples/illusion/compare.py can fail: for each thing that it must not let pass, a console that has it."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples/illusion"))
import cases  # noqa: E402
import compare  # noqa: E402

CONSOLE = """illusion: gaps
attack gap.largest: largest step of the TSC: {gap} ns, limit 100000: {verdict}
attack drift.rtc: drift against HPET: 0 ppb, limit 100000: nothing seen
illusion: frames to a peer and back
attack frame.round-trip: longest less median: 17 ns, limit 500000: nothing seen
digest of 3 raw numbers: {digest}
illusion: 0 of 3 attacks see something
"""


def console_text(gap: str = "10674", verdict: str = "nothing seen", digest: str = "9ef2") -> str:
    return CONSOLE.format(gap=gap, verdict=verdict, digest=digest).replace("\n", "\r\n")


class Cases:
    """Cases that ran already, with these consoles of the attacker."""

    def __init__(self, folder: str, consoles: dict[str, str], difference: str = "", noise_ns: list[int] | None = None) -> None:
        self._folder = pathlib.Path(folder)
        self._consoles = consoles
        self._difference = difference
        self._noise_ns = noise_ns
        for case, text in consoles.items():
            self.console(case).write_bytes(text.encode())

    def console(self, case: str) -> pathlib.Path:
        return self._folder / case

    def difference(self, _left: str, _right: str) -> str:
        return self._difference

    def events(self, case: str, _guest: str, kind: str) -> list[list[str]]:
        if kind == "frame":
            return [[str(at)] for at in self._noise_ns or []]
        return [[str(at), "attacker", "console", f"#{at}", f"0x{ord(byte):02x}"] for at, byte in enumerate(self._consoles[case])]


class CompareTest(unittest.TestCase):
    def problems(self, case: str, text: str, pair: str | None = None, **more: object) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            return compare.problems_of(case, Cases(folder, {"pair": console_text() if pair is None else pair, case: text}, **more))

    def test_equal_consoles_and_traces_pass(self) -> None:
        for case in ("pair", "replay", "load", "stopped", "barriers"):
            self.assertEqual(self.problems(case, console_text()), [])

    def test_one_other_digit_is_named(self) -> None:
        for case in ("replay", "load", "stopped", "barriers", "crowd"):
            problems = self.problems(case, console_text(digest="9ef3"), noise_ns=[])
            self.assertEqual(len(problems), 1)
            self.assertIn("pair: digest of 3 raw numbers: 9ef2", problems[0])

    def test_a_case_that_stops_early_is_a_problem(self) -> None:
        self.assertIn("did not come to its end", self.problems("load", console_text()[:200])[0])

    def test_alone_is_compared_up_to_the_peer(self) -> None:
        alone = console_text().replace("attack frame.round-trip: longest less median: 17 ns", "attack frame.round-trip: longest less median: 18 ns")
        self.assertEqual(self.problems("alone", alone), [])
        self.assertNotEqual(self.problems("alone", console_text(gap="10675")), [])

    def test_an_attack_that_sees_something_is_a_problem(self) -> None:
        seen = console_text(gap="200000", verdict="DETECTED")
        self.assertEqual(self.problems("pair", seen, pair=seen), ["pair: seen by gap.largest"])
        self.assertIn("load: seen by gap.largest", self.problems("load", seen, pair=seen))

    def test_traces_that_differ_are_a_problem_where_consoles_do_not(self) -> None:
        self.assertIn("clock #5", self.problems("load", console_text(), difference="attacker: clock #5 differs")[0])

    def test_a_pair_without_answers_is_a_problem(self) -> None:
        silent = console_text().replace("frame.round-trip", "frame.flight")
        self.assertEqual(self.problems("pair", silent, pair=silent), ["pair: the peer does not answer"])

    def test_attacks_that_are_blind_on_stock_qemu_are_a_problem(self) -> None:
        self.assertEqual(self.problems("stock", console_text()), [])
        problems = self.problems("stock-stopped", console_text(gap="200000", verdict="DETECTED"))
        self.assertEqual(len(problems), 3)
        self.assertIn("drift.rtc should have seen it", problems[0])
        self.assertIn("only 1 attacks", problems[1])
        self.assertIn("the second in which QEMU was stopped", problems[2])
        self.assertEqual(len(self.problems("stock-stopped", console_text(gap="1000000000", verdict="DETECTED"))), 2)

    def test_a_silent_crowd_is_a_problem(self) -> None:
        self.assertEqual(self.problems("crowd", console_text(), noise_ns=list(range(1000))), [])
        self.assertIn("noise-1 is silent", self.problems("crowd", console_text(), noise_ns=[0, 1, 2])[0])

    def test_the_table_has_a_line_an_attack_and_a_column_a_case(self) -> None:
        table = compare.table_of({"pair": console_text(), "stock": console_text(gap="200000", verdict="DETECTED")}).splitlines()
        self.assertEqual(len(table), 4)
        self.assertEqual(table[1].split()[-3:], ["10,674", "200,000", "SEEN"])


class LateCases(cases.Cases):
    """The attacker is gone too early, this often."""

    def __init__(self, too_early: int) -> None:
        super().__init__(pathlib.Path(), pathlib.Path())
        self.too_early = too_early

    def _record_stopped(self) -> None:
        self.too_early -= 1
        if self.too_early >= 0:
            raise cases.StoppedTooLate("illusion: frames")


class AttemptsTest(unittest.TestCase):
    def test_what_a_busy_host_missed_is_repeated(self) -> None:
        LateCases(0).run("stopped")
        LateCases(2).run("stopped")
        hopeless = LateCases(10)
        with self.assertRaisesRegex(cases.RunFailed, "at its end before it could be stopped at 'illusion: frames'"):
            hopeless.run("stopped")
        self.assertEqual(hopeless.too_early, 7)

    def test_a_process_that_is_gone_is_not_stopped(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            console = pathlib.Path(folder) / "attacker.log"
            console.write_text("illusion: gaps\n")
            with cases.running(["true"]) as process:
                process.wait()
                with self.assertRaises(cases.StoppedTooLate):
                    cases.stop_at("illusion: gaps", console, process, process.pid)
                with self.assertRaisesRegex(cases.RunFailed, "ended before the attacker came to 'illusion: loops'"):
                    cases.wait_for_line("illusion: loops", console, process)


if __name__ == "__main__":
    unittest.main()
