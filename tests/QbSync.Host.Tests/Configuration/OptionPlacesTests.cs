using System.Text.Json;
using QbSync.Host.Configuration;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Configuration;

/// <summary>Every option of the catalog, by every place where its value can be from.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class OptionPlacesTests : IDisposable
{
    private readonly TempDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    private static IEnumerable<TestCaseData> Options() =>
        from role in new[] { Roles.Source, Roles.Destination }
        from option in OptionCatalog.For(role)
        select new TestCaseData(role, option).SetArgDisplayNames($"{role}", option.Name);

    [TestCaseSource(nameof(Options))]
    [HostCase(1)]
    [HostCase(5)]
    public void Option_ByFlagVariableFileOrDefault_HasTheHighestOne(Roles role, OptionDefinition option)
    {
        var variable = option.GetEnvironmentName(role);
        var file = Write(role, option);
        Dictionary<string, IReadOnlyList<string>> flags = new() { [option.Name] = Sample(option) };
        Dictionary<string, string> environment = new() { [variable] = string.Join(';', Sample(option)) };
        Assert.Multiple(() =>
        {
            Assert.That(Read(flags, environment, file), Is.EqualTo((Expected(option), "flag")));
            Assert.That(Read([], environment, file), Is.EqualTo((Expected(option), variable)));
            Assert.That(Read([], [], file), Is.EqualTo((Expected(option), $"{file.Path}:{role.ToString().ToLowerInvariant()}.{option.Name}")));
            Assert.That(Read([], [], null).Origin, Is.EqualTo("default"));
        });

        (string Value, string Origin) Read(Dictionary<string, IReadOnlyList<string>> given, Dictionary<string, string> variables, ConfigFile? config)
        {
            var errors = new OptionErrors();
            var values = new OptionReader(role, new OptionSources(given, variables, config), errors).Read();
            Assert.That(errors.All.Where(error => error.StartsWith($"--{option.Name} ", StringComparison.Ordinal) && !error.Contains("not set", StringComparison.Ordinal)), Is.Empty);
            var value = values.All.Single(one => one.Definition.Name == option.Name);
            return (Shown(value.Parsed), value.Origin);
        }
    }

    [Test]
    [HostCase(4)]
    [HostCase(5)]
    public void ConventionalVariables_EmptyOrServiceLinks_AreIgnoredAndTheFirstThatIsSetCounts()
    {
        var file = Write(Roles.Destination, OptionCatalog.All.Single(static option => option.Name == "health-addr"));
        Assert.Multiple(() =>
        {
            Assert.That(Origin("health-addr", ("HTTP_PORT", "9090"), ("HEALTH_PORT", "9091")), Is.EqualTo("HTTP_PORT"));
            Assert.That(Origin("health-addr", ("HTTP_PORT", ""), ("HEALTH_PORT", "9091")), Is.EqualTo("HEALTH_PORT"));
            Assert.That(Origin("health-addr", ("HTTP_PORT", "tcp://10.0.0.1:80"), ("HEALTH_PORT", "")), Is.EqualTo($"{file.Path}:destination.health-addr"));
            Assert.That(Origin("listen", ("GRPC_PORT", "1"), ("PORT", "2")), Is.EqualTo("GRPC_PORT"));
            Assert.That(Origin("listen", ("PORT", "2")), Is.EqualTo("PORT"));
            Assert.That(Origin("listen", ("QBSYNC_DESTINATION_PORT", "3"), ("QBSYNC_DESTINATION_SERVICE_HOST", "h"), ("QBSYNC_DESTINATION_PORT_1_TCP", "t")), Is.EqualTo("default"));
        });

        string Origin(string name, params (string Name, string Value)[] environment)
        {
            var errors = new OptionErrors();
            var sources = new OptionSources(new Dictionary<string, IReadOnlyList<string>>(), environment.ToDictionary(static one => one.Name, static one => one.Value), file);
            var origin = new OptionReader(Roles.Destination, sources, errors).Read().GetOrigin(name);
            Assert.That(errors.All, Has.None.Contains("no such option"));
            return origin;
        }
    }

    [Test]
    [HostCase(5)]
    public void Catalog_NoName_CouldBeAServiceLink() => Assert.That(
        from option in OptionCatalog.All
        from role in new[] { Roles.Source, Roles.Destination }
        where OptionReader.IsServiceLink(option.GetEnvironmentName(role))
        select option.Name,
        Is.Empty);

    private ConfigFile Write(Roles role, OptionDefinition option)
    {
        var sample = Sample(option);
        object value = option.Kind switch
        {
            OptionKind.Json => JsonDocument.Parse(sample[0]).RootElement,
            OptionKind.List => sample,
            OptionKind.Boolean => sample[0] == "true",
            OptionKind.Integer => int.Parse(sample[0], System.Globalization.CultureInfo.InvariantCulture),
            _ => sample[0],
        };
        var path = _folder["qbsync.json"];
        File.WriteAllText(path, JsonSerializer.Serialize(new Dictionary<string, object> { [role.ToString().ToLowerInvariant()] = new Dictionary<string, object> { [option.Name] = value } }));
        var errors = new OptionErrors();
        var file = ConfigFile.Find(path, new Dictionary<string, string>(), errors);
        Assert.That(errors.All, Is.Empty);
        return file!;
    }

    /// <summary>A value that is not the default.</summary>
    private static string[] Sample(OptionDefinition option) => option.Kind switch
    {
        OptionKind.Choice => [option.Choices[^1]],
        OptionKind.Boolean => [option.Default == "true" ? "false" : "true"],
        OptionKind.Integer => [option.Max],
        OptionKind.Duration => [option.Max.Length > 0 ? option.Max : "3h"],
        OptionKind.Size => ["1GiB"],
        OptionKind.Rate => ["1MiB/s"],
        OptionKind.Address => ["127.0.0.1:4711"],
        OptionKind.Octal => ["027"],
        OptionKind.List => ["one", "two words"],
        OptionKind.Json => ["[{\"name\":\"one\"}]"],
        OptionKind.Url => ["https://host.test/qb/"],
        OptionKind.Path => ["/some/path"],
        _ => ["some-text"],
    };

    private static string Expected(OptionDefinition option) => option.Kind switch
    {
        OptionKind.Boolean => option.Default == "true" ? "False" : "True",
        OptionKind.Duration => Units.TryParseDuration(Sample(option)[0], TimeSpan.Zero, out var time) ? time.ToString() : "",
        OptionKind.Size => "1073741824",
        OptionKind.Rate => "1048576",
        OptionKind.Octal => "23",
        OptionKind.List => "one|two words",
        OptionKind.Json => "one",
        _ => Sample(option)[0],
    };

    private static string Shown(object? parsed) => parsed switch
    {
        Secret secret => secret.Reveal(),
        JsonEntries entries => string.Join('|', entries.All.Select(static entry => entry.GetProperty("name").GetString())),
        IReadOnlyList<string> list => string.Join('|', list),
        _ => parsed?.ToString() ?? "",
    };
}
