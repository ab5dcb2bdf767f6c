"""The size budget: short functions, short files, few arguments."""

from statistics import median

from house_rules.tree import Source, arguments_of, functions_of, length_of, methods_of

LONGEST_FUNCTION = 60
LONGEST_FILE = 400
MOST_ARGUMENTS = 5
FUNCTION_MEDIAN = 10
FILE_MEDIAN = 150
LONG_FUNCTION = 50
LONG_SHARE_PERCENT = 2


def file_violations(source: Source) -> list[str]:
    if source.line_count <= LONGEST_FILE:
        return []
    return [f"{source.path}: {source.line_count} lines, at most {LONGEST_FILE}"]


def function_violations(source: Source) -> list[str]:
    """Return functions that are too long or have too many arguments."""
    tree, found = source.tree, []
    methods = methods_of(tree)
    for function in functions_of(tree):
        where = f"{source.path}:{function.lineno}: {function.name}"
        if length_of(function) > LONGEST_FUNCTION:
            found.append(f"{where} has {length_of(function)} lines, at most {LONGEST_FUNCTION}")
        count = len(arguments_of(function, function in methods))
        if count > MOST_ARGUMENTS and not _is_verb(source.path, function.name):
            found.append(f"{where} takes {count} arguments, at most {MOST_ARGUMENTS}")
    return found


def budget(sources: list[Source]) -> dict[str, float]:
    """Return the totals: medians, and the share of long functions in percent."""
    lengths = [length_of(function) for source in sources for function in functions_of(source.tree)]
    files = [source.line_count for source in sources if source.line_count]
    return {
        "functions": len(lengths),
        "function_median": median(lengths) if lengths else 0,
        "file_median": median(files) if files else 0,
        "long_percent": 100 * sum(length > LONG_FUNCTION for length in lengths) / max(1, len(lengths)),
    }


def budget_violations(sources: list[Source]) -> list[str]:
    figures = budget(sources)
    limits = {"function_median": FUNCTION_MEDIAN, "file_median": FILE_MEDIAN, "long_percent": LONG_SHARE_PERCENT}
    return [f"{name} is {figures[name]:g}, at most {limit}" for name, limit in limits.items() if figures[name] > limit]


def _is_verb(path: str, name: str) -> bool:
    """A verb of the CLI (`verbs/bolus.py` defines `bolus`) takes one argument per option: its signature is the help page."""
    return path == f"host/thecal/cli/verbs/{name}.py"
