"""Commands whose options are given once: a second value would take the place of the first."""

from __future__ import annotations

from collections import Counter

import click


class Command(click.Command):
    """Refuses an option of one value that is given again; flags may be."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments as click does.

        Raises:
            click.UsageError: an option that takes one value is given more than once.
        """
        if not ctx.resilient_parsing:
            _, _, given = self.make_parser(ctx).parse_args(list(args))
            for option, times in Counter(given).items():
                if times > 1 and isinstance(option, click.Option) and _takes_one_value(option):
                    raise click.UsageError(
                        f"{max(option.opts, key=len)} is given {times} times and takes one value: "
                        "give it once",
                        ctx,
                    )
        return super().parse_args(ctx, args)


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


def _takes_one_value(option: click.Option) -> bool:
    return not (option.is_flag or option.multiple or option.count)
