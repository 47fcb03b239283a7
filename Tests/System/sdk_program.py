"""A program that uses E2B's SDK and knows nothing of gateways; run by the environment that has the SDK.

usage: E2B_API_URL=… E2B_SANDBOX_URL=… E2B_API_KEY=… python sdk_program.py
"""

from e2b_code_interpreter import Sandbox


def check(what: str, holds: object) -> None:
    if not holds:
        raise SystemExit(f"not so: {what}")


def main() -> None:
    sandbox = Sandbox.create(timeout=120, metadata={"of": "a fleet"})
    check("the code's value", sandbox.run_code("x = 6 * 7; x").text == "42")
    check("the context is kept", sandbox.run_code("print(x + 1)").logs.stdout == ["43\n"])

    sandbox.files.write("/home/user/a.txt", "naïve")
    check("the file is read", sandbox.files.read("/home/user/a.txt") == "naïve")
    check("the file is listed", "a.txt" in [entry.name for entry in sandbox.files.list("/home/user")])
    check("a command runs", sandbox.commands.run("cat /home/user/a.txt").stdout == "naïve")

    listed = Sandbox.list().next_items()
    check("the sandbox is listed", [found.sandbox_id for found in listed] == [sandbox.sandbox_id])
    check("its labels are listed", listed[0].metadata == {"of": "a fleet"})

    again = Sandbox.connect(sandbox.sandbox_id)
    check("another has the same files", again.files.read("/home/user/a.txt") == "naïve")
    check("another has the same context", again.run_code("x").text == "42")

    sandbox.set_timeout(180)
    check("it runs", sandbox.is_running())
    sandbox.pause()
    woken = Sandbox.connect(sandbox.sandbox_id)
    check("what slept has its files", woken.files.read("/home/user/a.txt") == "naïve")
    check("what slept has its context", woken.run_code("x").text == "42")

    check("it is killed", woken.kill())
    check("it is gone", not sandbox.is_running())
    check("nothing is listed", not Sandbox.list().next_items())
    print("well")


if __name__ == "__main__":
    main()
