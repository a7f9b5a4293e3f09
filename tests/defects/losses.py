"""Losses: kinks, NaN, weights, what a mean divides by, rows that are ignored."""

from defects.defect import defects

_BINARY, _LIKELIHOOD, _REGRESSION = (
    f"csrc/kernels/losses/{kind}.h" for kind in ("binary", "likelihood", "regression")
)
_ELEMENTWISE = "fastact/_losses/elementwise.py"


LOSSES = [
    *defects(
        "tests/losses/test_no_warnings.py",
        (
            "warning of a mean's division let out",
            "fastact/_losses/elementwise.py",
            "divide_or_zero(float(scale), denominator)",
            "scale / (denominator or 1.0) if denominator else scale * 0.0",
        ),
        (
            "warning of a weight that is NaN let out",
            "fastact/_losses/options.py",
            'with np.errstate(all="ignore"):  # bfloat16 warns of a NaN',
            "if True:",
        ),
    ),
    *defects(
        "tests/losses/test_kinks.py",
        (
            "hinge_loss slopes at its kink",
            _BINARY,
            "v_keep(v_lt(K(0), m), -t)",
            "v_keep(v_le(K(0), m), -t)",
        ),
        (
            "hinge_embedding_loss is flat at its kink",
            _BINARY,
            "v_keep(v_le(K(0), margin - x), K(-1))",
            "v_keep(v_lt(K(0), margin - x), K(-1))",
        ),
        (
            "huber_loss is curved at its kink",
            _REGRESSION,
            "v_keep(v_lt(v_min(K(LARGEST), v_abs(d)), delta), K(1))",
            "v_keep(v_le(v_min(K(LARGEST), v_abs(d)), delta), K(1))",
        ),
        (
            "soft_margin_loss's curvature for targets 1 and -1 only",
            _BINARY,
            "return t * t * FN(sigmoid_d1)(t * x);",
            "return FN(sigmoid_d1)(t * x);",
        ),
        (
            "a constant curvature loses NaN",
            _LIKELIHOOD,
            "FN(kl_div_d2)(vec x, vec t) { return FN(constant_of)(x, FN(at_least_0)(t), K(0)); }",
            "FN(kl_div_d2)(vec x, vec t) { return FN(constant_slope)(x, K(0)); }",
        ),
    ),
    *defects(
        "tests/accuracy/test_limits.py tests/losses/test_extremes.py",
        (
            "inf - inf in a curvature that is constant",
            _REGRESSION,
            "FN(constant_of)(x, t, K(2))",
            "FN(constant_slope)(x - t, K(2))",
        ),
        ("1/-0 of a probability", _LIKELIHOOD, "v_abs(p), K(NAN)", "p, K(NAN)"),
        (
            "0 inf in pinball_loss",
            _REGRESSION,
            "return v_any(v_isnan(loss)) ? FN(rare_pinball)(loss, e, factor) : loss;",
            "return loss;",
        ),
        ("kl_div loses a NaN", _LIKELIHOOD, "FN(constant_slope)(x, K(0)), p * v);", "K(0), p * v);"),
        ("inf/inf of a rate", _LIKELIHOOD, "v_select(lost, K(1) - t / divisor, slope)", "slope"),
        (
            "0 inf in a quotient of tiny numbers",
            "csrc/kernels/losses/focal.h",
            "v_lt(of_q, K(INFINITY))",
            "v_le(of_q, K(INFINITY))",
        ),
        (
            "a power 0 of an infinity",
            "csrc/kernels/losses/tweedie.h",
            "v_mask_not(v_eq(k, K(0))));",
            "v_lt(v_abs(u), K(708)));",
        ),
    ),
    *defects(
        "tests/losses/test_elementwise.py tests/losses/test_extremes.py",
        (
            "pos_weight missing in the curvature",
            _BINARY,
            "return v_fma(w, y, K(1) - y) * (l.e",
            "return v_fma(K(1), y, K(1) - y) * (l.e",
        ),
        (
            "0 times an infinite loss in focal_loss's gradient",
            "csrc/kernels/losses/focal.h",
            "FN(plus_weighted)(f.b.hi, turn * f.r.hi, f.loss)",
            "v_fma(turn * f.r.hi, f.loss, f.b.hi)",
        ),
        (
            "what an exponential lost is not put back",
            _LIKELIHOOD,
            "vec slope = (rate - t) + low;",
            "vec slope = (rate - t) + K(0) * low;",
        ),
        (
            "what float32's exponential lost by its table is not counted",
            "csrc/math/activation_parts_f32.h",
            "v_fma(r * r, FN(exp_fine_q)(r), v_fma(lost, r, lost)), high",
            "r * r * FN(exp_fine_q)(r), high",
        ),
        (
            "two numbers are taken to suffice everywhere",
            "csrc/math/activation_parts_f32.h",
            "#define f32_HI_LO_SUFFICES 0x1p-11f",
            "#define f32_HI_LO_SUFFICES 0.0f",
        ),
        (
            "the logarithm of a ratio that is no number any more",
            "csrc/kernels/losses/deviance.h",
            "mask usual = v_mask_and(v_le(K(MIN_RATIO), u), v_lt(u, K(INFINITY)));",
            "mask usual = v_lt(u, K(INFINITY));",
        ),
        (
            "what is beyond an exponential's range is left out",
            "csrc/kernels/losses/deviance.h",
            "y * half * half * v_exp(bounded - x)",
            "y * half * half",
        ),
        (
            "a group's last vector is not added",
            "csrc/kernels/loss_loop.h",
            "for (size_t k = 0; k < group; k++) slots",
            "for (size_t k = 0; k + 1 < group; k++) slots",
        ),
        (
            "the last task's total left out",
            "csrc/drivers/elementwise_loss.c",
            "fa_sum_doubles(p.isa, tasks, p.partial);",
            "fa_sum_doubles(p.isa, tasks - (tasks > 1), p.partial);",
        ),
        (
            "a mean by weight divides by the number",
            _ELEMENTWISE,
            'options["weight"] is None or not self._mean_by_weight',
            "True",
        ),
        (
            "every mean divides by the weights",
            _ELEMENTWISE,
            'options["weight"] is None or not self._mean_by_weight',
            'options["weight"] is None',
        ),
        (
            "batchmean divides by the elements",
            _ELEMENTWISE,
            "float(shape[0]) if shape else 1.0",
            "float(prod(shape))",
        ),
    ),
    *defects(
        "tests/losses/test_float64_rows.py -k axes",
        (
            "float64 rows of two outer indices in a block",
            "csrc/drivers/float64_row_loss.c",
            "n = fa_run_length(c->job->inner, row, end - row",
            "n = fa_run_length(c->rows, row, end - row",
        ),
    ),
    *defects(
        "tests/losses/test_class_losses.py tests/losses/test_errors.py",
        (
            "a label of 2^63 and more is an ignored -1",
            "csrc/drivers/class_loss.c",
            "job->ignore_index == -1 ? -2 : -1",
            "-1",
        ),
        (
            "rows of two outer indices in a block",
            "csrc/drivers/views.h",
            "const size_t left = inner - row % inner;",
            "const size_t left = inner;",
        ),
        (
            "nll_loss of weight 0 and probability 0 is NaN",
            "csrc/drivers/class_loss.c",
            "fa_weighted(-weight[i], at_label)",
            "-weight[i] * at_label",
        ),
        (
            "ignored rows have a gradient",
            "csrc/drivers/class_loss.c",
            "scale[i] = ignored ? 0.0 : scale[i];",
            "",
        ),
        (
            "elements at labels of rows of no classes",
            "csrc/drivers/class_loss.c",
            "if (!soft && !job->n) {",
            "if (!soft && job->n > job->n) {",
        ),
        (
            "ignored rows of a class count in a mean",
            "csrc/drivers/class_loss.c",
            "count.below - (ignores_class ? count.ignored : 0)",
            "count.below",
        ),
        (
            "all classes compared with the same label",
            "csrc/kernels/rows/cross_entropy.h",
            "    c->class_ = c->class_ + K(1);\n",
            "",
        ),
    ),
    *defects(
        "tests/losses/test_row_weights.py",
        (
            "a row's weight does not reach its gradients",
            "csrc/drivers/float64_row_loss.c",
            "ws->scale[k] * c->mean_factor) * ws->row_weight[k];",
            "ws->scale[k] * c->mean_factor);",
        ),
        (
            "a row of weight 0 has the loss NaN",
            "csrc/drivers/float64_row_loss.c",
            "fa_weighted(ws->row_weight[i + k], loss[k]);",
            "ws->row_weight[i + k] * loss[k];",
        ),
        (
            "a sequence's weight does not reach its gradient",
            "csrc/drivers/ctc.c",
            "b->scale[n] = weighted(b, n, b->scale[n]);",
            "(void)0;",
        ),
    ),
]
