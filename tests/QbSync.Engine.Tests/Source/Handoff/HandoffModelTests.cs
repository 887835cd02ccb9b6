using QbSync.Engine.Source.Handoff;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Handoff;

/// <summary>
/// The handoff's table against every order of faults: the world of both sides is a few bits, each step may go well, be refused, be lost before or after its effect, or
/// end the process at any of these places; the destination may fall silent, a tracker may refuse.
/// </summary>
[TestFixture]
internal sealed class HandoffModelTests
{
    /// <summary>One state of the world with one open entry.</summary>
    private readonly record struct World(
        HandoffStep Step, bool Overlaps, bool ActiveHere, bool ActiveThere, bool PresentHere, bool Proven, bool MayBeActiveThere, bool IsSilent);

    private static readonly HandoffStep[] Steps = [.. Enum.GetValues<HandoffStep>().Where(static step => step is not (HandoffStep.None or HandoffStep.Closed))];

    [Test]
    [SourceCase(87)]
    public void EveryPath_KeepsThePromises([Values] bool overlaps)
    {
        HashSet<World> seen = [];
        Queue<World> open = new();
        Reach(new World(HandoffStep.Prepared, overlaps, true, false, true, false, false, false));
        while (open.TryDequeue(out var world))
        {
            Check(world);
            foreach (var next in Nexts(world))
            {
                Reach(next);
            }
        }

        Assert.That(seen.Select(static world => world.Step).Distinct(), Is.SupersetOf(Steps.Where(step => overlaps || step != HandoffStep.Overlapping)));
        Assert.That(seen.Count(static world => world.Step == HandoffStep.Closed), Is.GreaterThan(1));
        AssertAllEnd(seen);

        void Reach(World world)
        {
            if (seen.Add(world))
            {
                open.Enqueue(world);
            }
        }
    }

    [Test]
    [SourceCase(87)]
    public void Table_RefusesEveryOtherPair([Values] bool overlaps)
    {
        foreach (var step in Steps)
        {
            if (step == HandoffStep.Overlapping && !overlaps)
            {
                continue;
            }

            foreach (var result in Enum.GetValues<StepResult>())
            {
                foreach (var anyGone in (bool[])[false, true])
                {
                    var next = HandoffSteps.Next(step, overlaps, result, anyGone);
                    Assert.That(HandoffSteps.MayFollow(step, overlaps, next), Is.True, $"{step} {result} {next}");
                }
            }

            Assert.That(HandoffSteps.MayFollow(step, overlaps, HandoffStep.Prepared), Is.False);
            Assert.That(HandoffSteps.MayFollow(step, overlaps, HandoffStep.Deleting), Is.EqualTo(step == HandoffStep.Proving), "only a proof leads to a delete");
        }

        Assert.That(Enum.GetValues<HandoffStep>().Any(step => HandoffSteps.MayFollow(HandoffStep.Closed, overlaps, step)), Is.False);
    }

    private static void Check(World world)
    {
        Assert.That(world is { ActiveHere: true, ActiveThere: true, Overlaps: false, IsSilent: false }, Is.False, $"both active: {world}");
        Assert.That(world is { PresentHere: false, Proven: false }, Is.False, $"deleted without a proof: {world}");
        if (world.Step == HandoffStep.Closed)
        {
            Assert.That(world.ActiveHere || world.ActiveThere, Is.True, $"both stopped at rest: {world}");
            Assert.That(world is { ActiveHere: true, ActiveThere: true }, Is.False, $"both active at rest: {world}");
        }
    }

    /// <summary>From every state an end can be reached, whatever came before.</summary>
    private static void AssertAllEnd(HashSet<World> seen)
    {
        HashSet<World> ends = [.. seen.Where(static world => world.Step == HandoffStep.Closed)];
        for (var grown = true; grown;)
        {
            grown = false;
            foreach (var world in seen)
            {
                if (!ends.Contains(world) && Nexts(world).Any(ends.Contains))
                {
                    grown |= ends.Add(world);
                }
            }
        }

        Assert.That(seen.Except(ends), Is.Empty, "states without an end");
    }

    private static IEnumerable<World> Nexts(World world)
    {
        if (world.Step == HandoffStep.Closed)
        {
            yield break;
        }

        foreach (var (result, after) in Tries(world))
        {
            yield return Move(after, result);

            // The process ends before the next step is named: what was done stays done.
            yield return Recover(after);
        }

        yield return Recover(world);
    }

    /// <summary>What a step may do to the world, and how it may be answered.</summary>
    private static IEnumerable<(StepResult Result, World After)> Tries(World world)
    {
        switch (world.Step)
        {
            case HandoffStep.Prepared:
                yield return (StepResult.Done, world);
                yield return (StepResult.Failed, world);
                break;
            case HandoffStep.Stopping:
                yield return (StepResult.Done, world with { ActiveHere = false });
                yield return (StepResult.Failed, world with { ActiveHere = false });
                yield return (StepResult.Failed, world);
                break;
            case HandoffStep.Starting:
                yield return (StepResult.Done, world with { ActiveThere = true });
                yield return (StepResult.Failed, world);
                yield return (StepResult.Silent, world with { ActiveThere = true, IsSilent = true });
                yield return (StepResult.Silent, world with { IsSilent = true });
                break;
            case HandoffStep.Verifying or HandoffStep.Announcing or HandoffStep.Overlapping or HandoffStep.Waiting:
                yield return (StepResult.Done, world);
                yield return (StepResult.Failed, world);
                yield return (StepResult.Failed, world with { ActiveThere = false }); // stopped there by its user, or by what it lost
                yield return (StepResult.Silent, world with { IsSilent = true });
                break;
            case HandoffStep.Proving:
                if (world.ActiveThere && (!world.ActiveHere || !world.PresentHere))
                {
                    yield return (StepResult.Done, world with { Proven = true });
                }

                yield return (StepResult.Failed, world);
                yield return (StepResult.Silent, world with { IsSilent = true });
                break;
            case HandoffStep.Deleting:
                yield return (StepResult.Done, world with { PresentHere = false });
                yield return (StepResult.Again, world);
                break;
            case HandoffStep.Confirming:
                yield return (StepResult.Done, world);
                break;
            case HandoffStep.RollingBack:
                // There first, unless it is silent: then here, and there when it is back.
                if (world.IsSilent)
                {
                    yield return (StepResult.Failed, world with { ActiveHere = world.PresentHere });
                    yield return (StepResult.Done, world with { ActiveHere = world.PresentHere, ActiveThere = world is { PresentHere: false, ActiveThere: true }, IsSilent = false });
                }
                else
                {
                    var there = !world.PresentHere && world.ActiveThere;
                    yield return (StepResult.Failed, world with { ActiveThere = world.MayBeActiveThere ? there : world.ActiveThere });
                    yield return (StepResult.Done, world with { ActiveThere = world.MayBeActiveThere && there, ActiveHere = world.PresentHere });
                }

                break;
        }
    }

    private static World Move(World world, StepResult result)
    {
        var next = HandoffSteps.Next(world.Step, world.Overlaps, result, !world.PresentHere);
        return world with { Step = next, MayBeActiveThere = world.MayBeActiveThere || next == HandoffStep.Starting };
    }

    /// <summary>The table of what is found at a start, by what both sides show.</summary>
    private static World Recover(World world) => world with
    {
        Step = world.Step switch
        {
            HandoffStep.Prepared => HandoffStep.Closed,
            HandoffStep.Stopping when !world.MayBeActiveThere => HandoffStep.RollingBack,
            HandoffStep.Deleting => world.PresentHere ? HandoffStep.Proving : HandoffStep.Confirming,
            HandoffStep.Confirming or HandoffStep.RollingBack => world.Step,
            _ => world.ActiveThere && (world.Overlaps || !world.ActiveHere) ? HandoffStep.Verifying : HandoffStep.RollingBack,
        },
    };
}
