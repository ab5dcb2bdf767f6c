"""The examples of every verb's help: what they do, and what to type. A test parses each of them."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "find": (
        ("List the pumps", "thecal find"),
        ("See if a port has a pump", "thecal find --port /dev/ttyACM0"),
    ),
    "name": (
        ("Call the only pump flow-1", "thecal name flow-1"),
        ("Call another one flow-2", "thecal name flow-2 --port /dev/ttyACM1"),
        ("Take the name away", "thecal name --remove --port flow-2"),
    ),
    "sim": (
        ("Run a simulated pump until Ctrl-C", "thecal sim"),
        ("Let an hour pass in a minute", "thecal sim --speed 60"),
        ("A second pump, with a balance under it", "thecal sim --seed 2 --balance"),
        ("Ten pumps, sim-1 to sim-10", "thecal sim --count 10"),
        ("Let other computers reach the pump", "thecal sim --host 192.168.1.20"),
        ("Hold the stop button of one of them", "thecal sim --press hold --port flow-1"),
        ("Give its motor too little supply", "thecal sim --motor-supply 5 --port flow-1"),
    ),
    "flash": (
        ("Put the firmware on a new board", "thecal flash --bench tmc2209-peristaltic01"),
        ("See the plan, with or without a board", "thecal flash --bench tmc2209-peristaltic01 --dry-run"),
        ("Update the pump flow-1; it keeps its bench", "thecal flash --port flow-1"),
        ("Remove lost keys, with its stop button held at power-up", "thecal flash --forget-key"),
    ),
    "calibrate": (
        ("Make three runs, and type the weights", 'thecal calibrate --turns 20 --rate "2 mL/h" --temperature "22 C"'),
        ("Let a balance weigh", 'thecal calibrate --balance /dev/ttyUSB0 --turns 20 --rate "2 mL/h"'),
        ("List this calibration and the earlier ones", "thecal calibrate --history"),
        ("Learn what each angle of the head delivers", "thecal calibrate --rotor --balance /dev/ttyUSB0 --png head.png"),
        ("Find the rotor's angle again, in four minutes", "thecal calibrate --rotor --verify --balance /dev/ttyUSB0"),
    ),
    "characterise": (
        (
            "Weigh for four hours, keep the readings",
            'thecal characterise --balance /dev/ttyUSB0 --rate "5 mL/h" --duration 4h --record run.csv',
        ),
        ("Evaluate them again", "thecal characterise --from run.csv --html run.html"),
    ),
    "new": (("Write a prescription to edit", "thecal new rx.toml"),),
    "limits": (
        ("Show the limits of the pump and its program", "thecal limits"),
        ("Show them for a prescription, without a pump", "thecal limits rx.toml --bench tmc2209-peristaltic01"),
    ),
    "bench": (
        ("Show the ceilings and what is used of them", "thecal bench show"),
        ("Lower what 24 hours may hold", 'thecal bench set --max-per-day "30 mL"'),
        ("Raise the highest rate, at the pump", 'thecal bench set --max-rate "12 mL/h"'),
        ("Check the wires of a bench file", "thecal bench check tmc2209-peristaltic01"),
    ),
    "forecast": (
        ("Show what a prescription will do", "thecal forecast rx.toml"),
        ("Draw a week of it, without a pump", "thecal forecast rx.toml --days 7 --png week.png --offline"),
    ),
    "program": (
        ("Check a prescription, send nothing", "thecal program rx.toml --dry-run"),
        ("Compare with the active one, ask, upload", "thecal program rx.toml"),
    ),
    "run": (
        ("1 mL/h until you stop it", 'thecal run "1 mL/h"'),
        ("5 mL over two hours, then stop", 'thecal run --volume "5 mL" --for "2 h"'),
        ("Bring the replaced program back", "thecal run --restore"),
    ),
    "start": (
        ("Start the active program", "thecal start"),
        ("Start a new pump in its time zone", "thecal start --zone Europe/Berlin"),
    ),
    "bolus": (
        ("50 uL at 2 mL/h", 'thecal bolus "50 uL" --rate "2 mL/h"'),
        ("0.5 mL spread over four hours", 'thecal bolus "0.5 mL" --extended "4 h"'),
        ("The program's demand bolus", "thecal bolus --demand"),
        ("Cancel the bolus that runs", "thecal bolus --cancel"),
    ),
    "temporary": (
        ("Half the basal rate for two hours", 'thecal temporary "50 %" --for "2 h"'),
        ("0.8 mL/h for 90 minutes", 'thecal temporary "0.8 mL/h" --for "90 min"'),
        ("Return to the program now", "thecal temporary --cancel"),
    ),
    "prime": (("Fill tubing and catheter", 'thecal prime --rate "2 mL/h"'),),
    "bridge": (("Start with another concentration in the line", "thecal bridge"),),
    "refill": (
        ("3.1 mL were left, 16 mL were filled", 'thecal refill --measured "3.1 mL" --filled "16 mL"'),
        ("Explain a residual out of tolerance", 'thecal refill --acknowledge "spilt 1 mL"'),
    ),
    "stop": (
        ("Stop the only pump", "thecal stop"),
        ("Stop the pump flow-1", "thecal stop flow-1"),
    ),
    "status": (
        ("Show the only pump", "thecal status"),
        ("Show all pumps, a row each", "thecal status --all"),
        ("For a script", "thecal status flow-1 --json"),
    ),
    "watch": (
        ("Watch until Ctrl-C", "thecal watch"),
        ("Write a line every minute", "thecal watch --interval 60 > watch.log"),
    ),
    "serve": (
        ("Show the pumps of this computer as a web page", "thecal serve --open"),
        ("Send alarms to a phone", "thecal serve --notify ntfy://my-lab-pumps"),
        ("For other computers: keys and a certificate", "thecal serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem"),
    ),
    "read": (("Print all that the pump holds", "thecal read"),),
    "alarms": (("List alarms and what to do", "thecal alarms"),),
    "journal": (
        ("Print the events", "thecal journal"),
        ("Save them for a spreadsheet", "thecal journal --csv day.csv"),
        ("Keep both rings for later reports", "thecal journal --ring faults --raw faults.raw"),
    ),
    "report": (
        ("Write report.html about the last week", "thecal report --days 7"),
        ("From saved journals, without a pump", "thecal report --from-journal events.raw --from-journal faults.raw"),
    ),
    "compare": (("Compare the last day with its forecast", "thecal compare --days 1"),),
    "ack": (
        ("Acknowledge one alarm", "thecal ack power_lost"),
        ("Acknowledge all", "thecal ack all"),
    ),
    "clock": (
        ("Show the error of the clock", "thecal clock"),
        ("Set it", "thecal clock --set"),
    ),
    "key": (
        ("See what is set, and what this computer has", "thecal key"),
        ("Draw keys, at the pump", "thecal key new"),
        ("Print a key for a colleague's computer", "thecal key show operate"),
        ("Take that key there: type or paste it", "thecal key add"),
        ("Replace all keys, as somebody has left", "thecal key roll"),
        ("Take the keys away", "thecal key forget"),
    ),
    "maintenance": (("Open the board's prompt", "thecal maintenance"),),
    "config": (
        ("Show the defaults", "thecal config"),
        ("Use the pump flow-1 unless another is named", "thecal config port flow-1"),
        ("Remove that default", "thecal config port --remove"),
    ),
    "schema": (("Print the schema of `status --json`", "thecal schema status"),),
    "help": (
        ("Explain a verb", "thecal help bolus"),
        ("Write the manual page", "thecal help --man > thecal.1"),
    ),
}
