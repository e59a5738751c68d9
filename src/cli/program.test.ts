import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { writeForeign } from '../../testkit/hive-folder.js'
import { runCommandLine } from './program.js'

const root = join(import.meta.dirname, '..', '..')

/** Runs a command line and keeps what it says. */
async function run(...argv: string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await runCommandLine(argv, { out: (line) => out.push(line), err: (line) => err.push(line) })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

describe('the command line', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wardbook-cli-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const writeCity = async (changes: Record<string, unknown> = {}) => {
    const file = join(folder, 'tiny.yaml')
    const city = {
      city: { slug: 'tiny', name: 'Tiny', timeZone: 'UTC' },
      datasets: {
        requests: {
          name: 'Requests',
          kind: 'service-requests',
          partition: { column: 'ward' },
          sources: { all: { family: 'files', mirror: ['*.csv'] } },
          mapping: { service_name: 'type', requested_at: { from: 'opened', formats: ['%Y-%m-%d'] } },
        },
      },
      ...changes,
    }
    await writeFile(file, stringify(city))
    return file
  }

  it('adopts a hive folder: plans first, says which columns were typed, and adds nothing the second time', async () => {
    const files = join(folder, 'hive')
    await writeForeign(
      files,
      'ward=Ward%203/a.parquet',
      `SELECT 1 AS id, 'Noise' AS type, DATE '2026-01-01' AS opened`,
    )
    const mapping = { service_name: 'type', requested_at: { from: 'opened', formats: ['%Y-%m-%d'] } }
    const requests = { name: 'R', kind: 'service-requests', partition: { column: 'ward' }, mapping }
    const city = await writeCity({
      datasets: { requests: { ...requests, sources: { all: { family: 'hive', from: files } } } },
    })
    const lake = join(folder, 'lake-hive')
    const planned = await run('lake', 'adopt', city, '--lake', lake, '--dry-run')
    expect(planned).toMatchObject({
      code: 0,
      out: 'requests/all: would be adopted (nothing was written), 1 rows',
    })
    expect(existsSync(lake)).toBe(false)
    const deep = join(folder, 'new', 'below', 'lake')
    expect((await run('lake', 'adopt', city, '--lake', deep, '--dry-run')).code).toBe(0)
    expect(existsSync(join(folder, 'new'))).toBe(false)
    const first = await run('lake', 'adopt', city, 'requests/all', '--lake', lake)
    expect(first).toMatchObject({ code: 0, out: 'requests/all: adopted, 1 rows' })
    expect(first.err).toContain('the exact text is not known: id (INTEGER), opened (DATE)')
    const again = await run('lake', 'adopt', city, '--lake', lake, '--json')
    expect(JSON.parse(again.out.split('\n').at(-1) ?? '')).toMatchObject({
      adopted: { verdict: 'unchanged', rows: 1 },
    })
    expect((await run('lake', 'adopt', city, 'requests/nope', '--lake', lake)).code).toBe(78)
  })

  it('begins its help with examples', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    expect(out.startsWith('Examples:')).toBe(true)
  })

  it('answers a typing error with the command that was meant, and exit code 64', async () => {
    const { code, err } = await run('rnu')
    expect(code).toBe(64)
    expect(err).toContain('Did you mean run?')
  })

  it('refuses a wrong flag with exit code 64 and the allowed values', async () => {
    const { code, err } = await run('demo', '--port', '99999')
    expect(code).toBe(64)
    expect(err).toContain('0 to 65535')
  })

  it('ends with 78 for a city file with a mistake, naming line, nearest key and what to do', async () => {
    const file = await writeCity({ detekt: {} })
    const { code, err } = await run('run', file, '--lake', join(folder, 'lake-a'))
    expect(code).toBe(78)
    expect(err).toMatch(/tiny\.yaml:\d+:\d+: .*'detekt'; did you mean 'detect'\?/)
    expect(err).toContain('→ correct what the message names')
  })

  it('ends with 65 when a source breaks its promise, and says the same as one JSON object with --json', async () => {
    const file = await writeCity()
    await writeFile(join(folder, 'page.csv'), '<!doctype html><title>Maintenance</title>')
    const flags = ['--mirror', folder, '--lake', join(folder, 'lake-b')]
    expect((await run('run', file, ...flags)).code).toBe(65)
    const { code, out } = await run('run', file, ...flags, '--json')
    const error = out
      .split('\n')
      .map((line) => JSON.parse(line))
      .find(({ kind }) => kind === 'error')
    expect(code).toBe(65)
    expect(error).toMatchObject({
      code: 'answered-html',
      remedy: 'fix-source',
      exit: 65,
      stage: 'ingest',
      dataset: 'requests',
    })
    await rm(join(folder, 'page.csv'))
  })

  it('goes from files to a verified ledger, one line a step, and the second time adds nothing', async () => {
    const file = await writeCity()
    const lake = join(folder, 'lake-c')
    await writeFile(
      join(folder, 'requests.csv'),
      'opened,type,ward\n2026-01-05,Pothole,1\n2026-01-06,Pothole,\n',
    )
    const first = await run('run', file, '--mirror', folder, '--lake', lake)
    const second = await run('run', file, '--mirror', folder, '--lake', lake)
    expect([first.code, second.code]).toEqual([0, 0])
    expect(first.err).toContain(
      'ingest    requests/all: committed snapshot 0: 2 rows in 2 divisions, 0 rows in quarantine',
    )
    expect(second.err).toContain('ingest    requests/all: unchanged')
    const verified = await run('ledger', 'verify', '--lake', lake)
    expect(verified.out).toMatch(/^whole: 1 events in 1 segments/)
    await rm(join(folder, 'requests.csv'))
  })

  it('looks only where a lake is, and leaves no folder where none is', async () => {
    const nowhere = join(folder, 'nowhere')
    for (const command of [
      ['serve', await writeCity()],
      ['ledger', 'verify'],
    ]) {
      const { code, err } = await run(...command, '--lake', nowhere)
      expect(code).toBe(78)
      expect(err).toContain('lake-missing')
    }
    expect(existsSync(nowhere)).toBe(false)
  })

  it('says that a port is taken, and how to choose another', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const { code, err } = await run(
      'serve',
      await writeCity(),
      '--lake',
      join(folder, 'lake-c'),
      '--port',
      String(port),
    )
    await new Promise((resolve) => other.close(resolve))
    expect(code).toBe(78)
    expect(err).toMatch(/port-in-use: port \d+ of 127\.0\.0\.1 is taken: choose another with --port/)
  })

  it('refuses the lake of another city', async () => {
    const lake = join(folder, 'lake-c')
    const file = await writeCity({ city: { slug: 'other', name: 'Other', timeZone: 'UTC' } })
    const { code, err } = await run('run', file, '--mirror', folder, '--lake', lake)
    expect(code).toBe(78)
    expect(err).toContain('lake-of-other-city')
  })

  it('prints every prefix with its writers as one JSON object a line', async () => {
    const { out } = await run('lake', 'prefixes', '--json')
    const lines = out.split('\n').map((line) => JSON.parse(line))
    expect(lines).toContainEqual(
      expect.objectContaining({ prefix: 'raw/<dataset>/<source>/', writers: ['ingest'] }),
    )
  })

  it('has a line in docs/cli.md for every command', async () => {
    const doc = readFileSync(join(root, 'docs', 'cli.md'), 'utf8')
    const commands = [
      ...['run', 'catch-up', 'serve', 'demo', 'doctor', 'lake prefixes', 'lake adopt', 'lake migrate'],
      ...['lake compact', 'lake vacuum', 'ledger verify', 'city schema', 'city check', 'discover'],
      ...['quarantine list', 'quarantine replay', 'demo score'],
    ]
    for (const command of commands) {
      expect(doc).toContain(`\`wardbook ${command}`)
      expect((await run(...command.split(' '), '--help')).code).toBe(0)
    }
    const { out } = await run('--help')
    const listed = [...out.matchAll(/^ {2}([a-z-]+)(?: \[options\])?(?: <\S+>)? {2,}/gm)].map(
      (match) => match[1],
    )
    expect(listed.filter((name) => name !== 'help').sort()).toEqual(
      [...new Set(commands.map((command) => command.split(' ')[0]))].sort(),
    )
  })
})
