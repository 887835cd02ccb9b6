using System.Globalization;

namespace QbSync.IntegrationTests.Monitoring.Picture;

/// <summary>A panel with a time axis: lines, stacked areas or bars, an axis on either side, and a legend with last values.</summary>
internal sealed class Chart(Svg svg, Frame frame, Place place)
{
    private const int LegendLine = 19;
    private static readonly string[] Colors =
    [
        "#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#b877d9", "#37b7c3", "#c8f2c2", "#ffb357", "#ca95e5", "#5794f2", "#ffa6b0",
    ];

    private readonly bool _isStacked = frame.Panel.Json.ToString().Contains("\"stacking\"", StringComparison.Ordinal);
    private readonly bool _isBars = frame.Panel.Json.ToString().Contains("\"bars\"", StringComparison.Ordinal);

    public void Draw()
    {
        // What stayed at zero is told of in one word, so that the rest can be read.
        var shown = frame.Curves.Where(static curve => curve.Most != 0).ToList();
        var silent = frame.Curves.Count - shown.Count;
        shown = shown.Count == 0 ? [.. frame.Curves.Take(3)] : shown;
        var lines = DrawLegend(shown, frame.Curves.Count == shown.Count ? 0 : silent);
        var left = shown.Select(static curve => curve.Unit).FirstOrDefault() ?? "short";
        var right = shown.Select(static curve => curve.Unit).FirstOrDefault(unit => unit != left);
        var area = new Place(place.X + 62, place.Y + 8, place.Width - 62 - (right is null ? 14 : 66), place.Height - 32 - (lines * LegendLine));
        DrawTime(area);
        DrawAxis(area, shown, left, isLeft: true);
        if (right is not null)
        {
            DrawAxis(area, shown, right, isLeft: false);
        }
    }

    private void DrawAxis(Place area, List<Curve> shown, string unit, bool isLeft)
    {
        var curves = shown.Where(curve => curve.Unit == unit).ToList();
        var times = curves.SelectMany(static curve => curve.Samples).Select(static sample => sample.At).Distinct().Order().ToList();
        var stacks = _isStacked ? curves.ConvertAll(curve => Fill(curve, times)) : [];
        var most = _isStacked
            ? times.Select(time => stacks.Sum(stack => stack[time])).DefaultIfEmpty().Max()
            : curves.Select(static curve => curve.Most).DefaultIfEmpty().Max();
        var ceiling = Units.CeilingOf(most, unit);
        for (var step = 0; step <= 4; step++)
        {
            var y = area.Bottom - (area.Height * step / 4);
            if (isLeft)
            {
                svg.Rule(area.X, y, area.Width);
            }

            svg.Text(isLeft ? area.X - 6 : area.X + area.Width + 6, y + 4, Units.Format(ceiling * step / 4, unit), 11, "#9fa7b3", isLeft ? "end" : "start");
        }

        var floor = times.ToDictionary(static time => time, static _ => 0.0);
        foreach (var curve in _isStacked ? [] : curves)
        {
            DrawLine(curve, ColorOf(shown.IndexOf(curve)), area, ceiling);
        }

        foreach (var (curve, stack) in curves.Zip(stacks))
        {
            var color = ColorOf(shown.IndexOf(curve));
            var known = times.Where(time => !_isBars || stack[time] > 0).ToList();
            var bottom = known.Select(time => Point(area, time, floor[time], ceiling)).ToList();
            foreach (var time in known)
            {
                floor[time] += stack[time];
            }

            var top = known.Select(time => Point(area, time, floor[time], ceiling)).ToList();
            if (_isBars)
            {
                foreach (var (from, to) in bottom.Zip(top))
                {
                    svg.Box(from.X - 1, to.Y, 2, from.Y - to.Y, color, opacity: 0.8);
                }
            }
            else if (known.Count > 1)
            {
                svg.Area(top, bottom, color);
                svg.Line(top, color);
            }
        }
    }

    /// <summary>A line has a gap where there was nothing, or no number, for more than a few scrapes.</summary>
    private void DrawLine(Curve curve, string color, Place area, double ceiling)
    {
        List<(double X, double Y)> part = [];
        var last = default(DateTimeOffset);
        foreach (var sample in curve.Samples.Where(static sample => double.IsFinite(sample.Value)))
        {
            if (part.Count > 0 && sample.At - last > frame.Gap)
            {
                svg.Line(part, color);
                part = [];
            }

            part.Add(Point(area, sample.At, Math.Min(sample.Value, ceiling), ceiling));
            last = sample.At;
        }

        if (part.Count > 0)
        {
            svg.Line(part.Count > 1 ? part : [part[0], (part[0].X + 2, part[0].Y)], color);
        }
    }

    private void DrawTime(Place area)
    {
        var steps = area.Width < 360 ? 2 : 4;
        for (var step = 0; step <= steps; step++)
        {
            var time = frame.From + ((frame.Until - frame.From) * step / steps);
            var anchor = step == 0 ? "start" : step == steps ? "end" : "middle";
            svg.Text(area.X + (area.Width * step / steps), area.Bottom + 16, time.ToString("HH:mm:ss", CultureInfo.InvariantCulture), 11, "#9fa7b3", anchor);
        }
    }

    /// <returns>How many lines it took.</returns>
    private int DrawLegend(List<Curve> shown, int silent)
    {
        List<(string Text, string Color)> entries =
        [
            .. shown.Select((curve, number) => ($"{Svg.Fit(curve.Name, 260)}  {Units.Format(curve.Last, curve.Unit)}", ColorOf(number))),
        ];
        if (silent > 0)
        {
            entries.Add(($"{silent} at zero", "#52545c"));
        }

        List<List<(string Text, string Color, double X)>> lines = [[]];
        var x = place.X + 12;
        foreach (var (text, color) in entries)
        {
            var width = 30 + Svg.WidthOf(text, 12);
            if (x + width > place.X + place.Width && lines[^1].Count > 0)
            {
                lines.Add([]);
                x = place.X + 12;
            }

            lines[^1].Add((text, color, x));
            x += width;
        }

        var most = Math.Min(lines.Count, 3);
        for (var line = 0; line < most; line++)
        {
            var y = place.Bottom - ((most - line) * LegendLine) + 10;
            foreach (var (text, color, at) in lines[line])
            {
                svg.Box(at, y - 5, 12, 3, color);
                svg.Text(at + 17, y, text, 12, "#ccccdc");
            }
        }

        return most;
    }

    private (double X, double Y) Point(Place area, DateTimeOffset at, double value, double ceiling) => (
        area.X + (area.Width * ((at - frame.From) / (frame.Until - frame.From))), area.Bottom - (area.Height * value / ceiling));

    private static string ColorOf(int number) => Colors[number % Colors.Length];

    /// <summary>The curve at each time. A scrape that failed leaves no hole in what is stacked on it, where the next ones are there.</summary>
    private static Dictionary<DateTimeOffset, double> Fill(Curve curve, List<DateTimeOffset> times)
    {
        var known = curve.Samples.Where(static sample => double.IsFinite(sample.Value)).ToDictionary(static sample => sample.At, static sample => sample.Value);
        Dictionary<DateTimeOffset, double> filled = [];
        for (var i = 0; i < times.Count; i++)
        {
            var goesOn = times.Skip(i + 1).Take(6).Any(known.ContainsKey);
            filled[times[i]] = known.TryGetValue(times[i], out var value) ? value : goesOn && i > 0 ? filled[times[i - 1]] : 0;
        }

        return filled;
    }
}
