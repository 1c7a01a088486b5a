"""A plugin of pytest: Hypothesis need not make a failing run short where failing is enough."""

from hypothesis import Phase, settings

settings.register_profile("mutants", phases=(Phase.explicit, Phase.generate))
settings.load_profile("mutants")
