import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { WardbookError } from '../kernel/errors.js'
import { loadCity, parseCity } from './load-city.js'

const GOOD = `city:
  slug: springfield
  name: Springfield
  timeZone: America/New_York
divisions:
  members:
    7: { name: Seventh }
datasets:
  calls:
    name: Calls
    kind: service-requests
    partition:
      column: ward
    sources:
      portal:
        family: files
        urls: ['https://data.example.org/calls.csv']
    mapping:
      service_name: Type
      requested_at: { from: Opened, formats: ['%Y-%m-%d'] }
`

describe('a city file', () => {
  it('is read with every default filled in', () => {
    const city = parseCity(GOOD, 'city.yaml')
    expect(city.city).toEqual({
      slug: 'springfield',
      name: 'Springfield',
      timeZone: 'America/New_York',
      locale: 'en-US',
      simulated: false,
    })
    expect(city.divisions).toEqual({ label: 'District', members: { '7': { name: 'Seventh' } } })
    expect(city.parts).toEqual({ maxRows: 1_000_000, maxUncompressedBytes: 268_435_456 })
    expect(city.detect).toEqual({ alpha: 0.01, falseDiscoveryRate: 0.1, minExcess: 5, minRatio: 1.3 })
    expect(city.datasets.calls).toMatchObject({
      partition: { column: 'ward', values: {} },
      quarantine: { policy: 'quarantine', maxRate: 0.05 },
      sources: { portal: { mirror: [], drops: [], countTolerance: 0 } },
    })
  })

  it('may use anchors, comments and JSON', () => {
    expect(
      parseCity(
        GOOD.replace('name: Calls', 'name: &n Calls # why').replace('name: Springfield', 'name: Here'),
        'f',
      ),
    ).toBeDefined()
    expect(parseCity(JSON.stringify(parseCity(GOOD, 'f')), 'f')).toEqual(parseCity(GOOD, 'f'))
  })

  it('is read from disk, and each bundled one is good', async () => {
    const folder = join(import.meta.dirname, '..', '..', 'cities')
    const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml'))
    expect(files.length).toBeGreaterThan(0)
    for (const file of files) expect(await loadCity(join(folder, file))).toHaveProperty('city.slug')
  })

  it('that is missing is named, with what the system said', async () => {
    const missing = {
      code: 'city-file-missing',
      remedy: 'fix-config',
      message: 'cannot read the city file no.yaml: ENOENT',
    }
    await expect(loadCity('no.yaml')).rejects.toMatchObject(missing)
  })

  it('with a mistake is named by its own path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-city-'))
    const file = join(folder, 'broken.yaml')
    await writeFile(file, 'city: [')
    await expect(loadCity(file)).rejects.toMatchObject({ message: expect.stringContaining(file) })
    await rm(folder, { recursive: true })
  })

  it.each([
    ['a bracket left open', 'city: ['],
    ['a key twice', 'city: 1\ncity: 2'],
    ['a tab for indentation', 'city:\n\tslug: a'],
    ['an alias without anchor', 'city: *nowhere'],
  ])('is no YAML with %s', (_what, text) => {
    expect(mistakesIn(text)).toMatchObject({ code: 'city-file-not-yaml', remedy: 'fix-config' })
    expect(mistakesIn(text).message).toMatch(/^city\.yaml is not YAML: /)
  })
})

describe('a time in a mapping', () => {
  it('that is a column alone is told what a time takes, and an unknown key of it is named', () => {
    const only = GOOD.replace("{ from: Opened, formats: ['%Y-%m-%d'] }", 'Opened')
    expect(mistakesIn(only).message).toMatch(
      /requested_at: a time is a column with the forms it comes in, e\.g\. \{ from:/,
    )
    const zoned = GOOD.replace("formats: ['%Y-%m-%d']", "formats: ['%Y-%m-%d'], zone: UTC")
    expect(mistakesIn(zoned).message).toMatch(/has no key 'zone'/)
  })
})

describe('an unknown key', () => {
  it.each([
    [
      'the file',
      'detect:\n',
      'detekt: {}\n',
      '',
      "has no key 'detekt'; did you mean 'detect'?",
      'city, divisions, datasets, parts, detect',
    ],
    [
      'city',
      '  timeZone:',
      '  timezone: UTC\n  timeZone:',
      '',
      "'timezone'; did you mean 'timeZone'?",
      'slug, name, id, timeZone, locale, simulated',
    ],
    [
      'a member whose name is a number',
      '{ name: Seventh }',
      '{ nme: Seventh }',
      '',
      "divisions.members.7 has no key 'nme'; did you mean 'name'?",
      'id, name',
    ],
    [
      'a dataset',
      '    kind:',
      '    keey: id\n    kind:',
      '',
      "datasets.calls has no key 'keey'; did you mean 'key'?",
      'name, kind, license',
    ],
    [
      'a partition',
      '      column:',
      '      colum: x\n      column:',
      '',
      "datasets.calls.partition has no key 'colum'; did you mean 'column'?",
      'column, from, values',
    ],
    [
      'a source',
      '        urls:',
      '        url: x\n        urls:',
      '',
      "datasets.calls.sources.portal has no key 'url'; did you mean 'urls'?",
      'family, mirror, drops, countTolerance, urls, find, delimiter',
    ],
    [
      'a mapping',
      '      service_name:',
      '      service_nam: x\n      service_name:',
      '',
      "datasets.calls.mapping has no key 'service_nam'; did you mean 'service_name'?",
      'service_request_id',
    ],
    [
      'a time',
      'from: Opened,',
      'from: Opened, timezone: UTC,',
      '',
      "requested_at has no key 'timezone'; did you mean 'timeZone'?",
      'from, formats, timeZone',
    ],
  ])(
    'in %s is named with its line, the nearest key and all allowed ones',
    (_where, before, after, _, said, allowed) => {
      const text = GOOD.includes(before) ? GOOD.replace(before, after) : `${GOOD}${after}`
      const error = mistakesIn(text)
      expect(error.code).toBe('city-file-unknown-key')
      expect(error.message).toContain(said)
      expect(error.message).toContain(`Allowed: ${allowed}`)
      const key = /has no key '(\w+)'/.exec(error.message)?.[1] as string
      expect(error.message).toMatch(new RegExp(`^city.yaml:${lineOf(text, key)}:\\d+: `))
    },
  )

  it('of a source is compared with the keys of its own family', () => {
    const hive = 'family: hive\n        colum: ward'
    const text = GOOD.replace("family: files\n        urls: ['https://data.example.org/calls.csv']", hive)
    expect(() => parseCity(text, 'city.yaml')).toThrow(
      "datasets.calls.sources.portal has no key 'colum'; did you mean 'column'? Allowed: family, from, column, mode",
    )
  })

  it('of a mapping is compared with the fields of its own kind', () => {
    const mapping = "occurred_at: { from: Opened, formats: ['%Y-%m-%d'] }"
    const crimes = GOOD.replace('kind: service-requests', 'kind: crime-incidents').replace(
      /service_name: Type\n.*\n/,
      `offence: Type\n      ${mapping}\n`,
    )
    expect(mistakesIn(crimes).message).toMatch(
      /datasets\.calls\.mapping has no key 'offence'; did you mean 'offense'\? Allowed: incident_number, offense, /,
    )
    expect(parseCity(crimes.replace('offence', 'offense'), 'f').datasets.calls?.kind).toBe('crime-incidents')
  })

  it('that resembles none is named without a guess', () => {
    const error = mistakesIn(`${GOOD}workflow: {}\n`)
    expect(error.message).toContain("has no key 'workflow'. Allowed: ".trimEnd())
    expect(error.message).not.toContain('did you mean')
  })
})

describe('a wrong value', () => {
  it.each([
    [
      'slug: springfield',
      'slug: Spring Field',
      "city.slug: use lower-case letters, digits and single hyphens; it is 'Spring Field'",
    ],
    ['slug: springfield', 'slug: -a', "it is '-a'"],
    ['slug: springfield', `slug: ${'a'.repeat(61)}`, 'city.slug: '],
    [
      'timeZone: America/New_York',
      'timeZone: Mars/Olympus',
      "city.timeZone: 'Mars/Olympus' is not an IANA time zone",
    ],
    [
      'column: ward',
      'column: Ward 3',
      "datasets.calls.partition.column: use a lower-case letter, then letters, digits and underscores; it is 'Ward 3'",
    ],
    ['kind: service-requests', 'kind: permits', "it is 'permits'"],
    ['kind: service-requests', 'kind: permits', 'or council-matters; it is'],
    [
      'family: files',
      'family: ftp',
      "name a family: files, socrata, ckan, arcgis, opendatasoft, legistar, hive or module; it is 'ftp'",
    ],
    [
      "family: files\n        urls: ['https://data.example.org/calls.csv']",
      'family: hive\n        from: parquet\n        mode: register',
      'datasets.calls.sources.portal.mode: only files inside the lake can be registered',
    ],
    [
      'service_name: Type',
      'service_name: { from: Type }',
      "datasets.calls.mapping.service_name: name the publisher's column, or list candidates in order",
    ],
    [
      "'https://data.example.org/calls.csv'",
      'ftp://data.example.org/calls.csv',
      "it is 'ftp://data.example.org/calls.csv'",
    ],
    ["formats: ['%Y-%m-%d']", 'formats: []', 'datasets.calls.mapping.requested_at.formats: '],
    ['      service_name: Type\n', '', 'a mapping needs at least service_name and requested_at'],
  ])('is named with its line: %s as %s', (before, after, said) => {
    const text = GOOD.replace(before, after)
    const error = mistakesIn(text)
    expect(error).toMatchObject({
      code: 'city-file-invalid',
      remedy: 'fix-config',
      facts: { file: 'city.yaml' },
    })
    expect(error.message).toContain(said)
    const at = /^city.yaml:(\d+):/.exec(error.message)?.[1]
    expect(Number(at)).toBeGreaterThanOrEqual(after === '' ? 18 : lineOf(text, after))
  })

  it('is named beside every other mistake of the file', () => {
    const text = GOOD.replace('slug: springfield', 'slug: A B')
      .replace('timeZone: America/New_York', 'timeZone: Nowhere')
      .replace('column: ward', 'colum: ward')
      .replace('    kind: service-requests\n', '')
    const lines = mistakesIn(text).message.split('\n')
    expect(lines).toHaveLength(4)
    expect(
      lines.map((line) => /: ?([\w.]+)[: ]/.exec(line.replace(/^city.yaml:\d+:\d+:/, ':'))?.[1]),
    ).toEqual(['city.slug', 'city.timeZone', 'datasets.calls.kind', 'datasets.calls.partition'])
  })

  it('is named when the whole file is none', () => {
    expect(mistakesIn('').message).toContain('city: ')
    expect(mistakesIn('- a list').message).toContain('the file: ')
    expect(mistakesIn('datasets:\ncity:').message).toMatch(/city\.yaml:\d:\d+: city: /)
  })
})

function mistakesIn(text: string): WardbookError {
  try {
    parseCity(text, 'city.yaml')
  } catch (thrown) {
    return thrown as WardbookError
  }
  throw new Error('the file was taken as it is')
}

/** Line of the first place that says so, from 1. */
function lineOf(text: string, what: string): number {
  return text.slice(0, text.indexOf(what)).split('\n').length
}
