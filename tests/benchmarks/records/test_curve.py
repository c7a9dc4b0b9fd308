from benchmarks.records.curve import parse_curve


def test_a_curve_has_the_rows_with_a_loss() -> None:
    log = "epoch,step,loss,val\n0,10,2.5,\n0,20,,0.5\n1,30,1.25,\n"
    assert parse_curve(log) == ([10.0, 30.0], [2.5, 1.25])


def test_without_a_log_or_a_loss_there_is_no_curve() -> None:
    assert parse_curve("") == ([], [])
    assert parse_curve("step,val\n1,0.5\n") == ([], [])
