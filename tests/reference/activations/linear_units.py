"""Gated linear units, a act(b): functions of b with a for their parameter."""

from reference.activations import gated, gelu, rectifiers, sigmoids
from reference.activations.activation import Activation


def unit(act):
    """a times an activation; of a = 1 it has its special values."""
    value, first, second = act.fast
    return Activation(
        value=lambda b, a: a * act.value(b),
        first=lambda b, a: a * act.first(b),
        second=lambda b, a: a * act.second(b),
        fast=(lambda b, a: a * value(b), lambda b, a: a * first(b), lambda b, a: a * second(b)),
        parameters=(1.0,),
        required=1,
        by_parameter=lambda b, a: act.value(b),
        splits=True,
        roots=act.roots,
        kinks=act.kinks,
        monotone=act.monotone,
        specials=act.specials,
    )


ACTIVATIONS: dict[str, Activation] = {
    "glu": unit(sigmoids.ACTIVATIONS["sigmoid"]),
    "swiglu": unit(gated.ACTIVATIONS["silu"]),
    "geglu": unit(gelu.ACTIVATIONS["gelu"]),
    "reglu": unit(rectifiers.ACTIVATIONS["relu"]),
}
