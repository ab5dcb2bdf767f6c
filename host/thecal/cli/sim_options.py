"""The options of `thecal sim` about the bench around the pump: balance, head, network, and orders to a pump that runs."""

from typing import Annotated

import typer

Press = Annotated[
    str | None, typer.Option("--press", metavar="BUTTON", help="Press a button of the running one: stop, hold (stop, for 4 s), or bolus.")
]
MotorSupply = Annotated[
    float | None,
    typer.Option("--motor-supply", metavar="VOLTS", help="Set the motor's supply of the running one (it begins with 12 V)."),
]
Slip = Annotated[
    float | None, typer.Option("--slip", metavar="DEGREES", help="Let the rotor of the running one stay for that much of the motor's turn.")
]
Turn = Annotated[
    float | None,
    typer.Option("--turn", metavar="DEGREES", help="Turn the rotor of the running one by hand; negative backwards (--turn=-30)."),
]
Alter = Annotated[
    str | None, typer.Option("--alter", metavar="CHANGES", help='Change the head of the running one, like "line=5s" or "ripple=105%".')
]
Head = Annotated[
    str | None,
    typer.Option(
        metavar="HEAD",
        help='Simulated pump head: even, sinus, dip20 or dip35, with changes like "dip35,rollers=6,line=5s" (default: none).',
    ),
]
Digit = Annotated[str, typer.Option("--balance-digit", metavar="MASS", help="Last digit of the balance: 0.01 mg, 0.1 mg, 1 mg or 10 mg.")]
Noise = Annotated[
    str | None,
    typer.Option(
        "--balance-noise", metavar="MASS", help="Noise of the balance as a standard deviation (default: 0.04 mg; with --head 0.15 mg)."
    ),
]
Evaporation = Annotated[
    str | None, typer.Option(metavar="RATE", help="Evaporation from the vessel on the balance (default: 0 mg/h; with --head 2 mg/h).")
]
BalanceProtocol = Annotated[str, typer.Option(metavar="NAME", help="Protocol of the balance: mt-sics, sbi, or plain (prints unasked).")]
Pulsation = Annotated[float, typer.Option(min=0.0, max=200.0, metavar="PERCENT", help="Swing of the flow per roller, in percent.")]
Prefix = Annotated[
    str | None, typer.Option(metavar="PREFIX", help="Name the pumps PREFIX-SEED (default: sim with --count, otherwise no change).")
]
Host = Annotated[str, typer.Option(metavar="ADDR", help="Address of the pump's network port (default: this computer only).")]
