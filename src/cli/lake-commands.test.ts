import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commitGroup, openGroups } from '../../testkit/grouped-table.js'
import { keysOf, makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { runCommandLine } from './program.js'

let lake: TestLake
beforeEach(async () => {
  lake = await makeLake()
  await lake.store.put('lake.json', new TextEncoder().encode('{"formatVersion":1,"city":"testville"}'))
})
afterEach(() => lake.remove())

async function run(...argv: string[]) {
  const out: string[] = []
  const err: string[] = []
  const streams = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) }
  const code = await runCommandLine([...argv, '--lake', lake.folder], streams)
  return { code, out, err: err.join('\n') }
}

async function makeOld(prefix: string): Promise<void> {
  const monthAgo = Date.now() / 1000 - 30 * 86_400
  for (const key of await keysOf(lake.store, prefix)) await utimes(join(lake.folder, key), monthAgo, monthAgo)
}

describe('wardbook lake compact and vacuum', () => {
  it('say for each table what they merge and remove, and remove nothing in a dry run', async () => {
    for (let group = 0; group < 3; group++) await commitGroup(openGroups(lake.store), group)
    const compacted = await run('lake', 'compact')
    expect(compacted).toMatchObject({ code: 0, out: ['findings: 9 files became 3'] })
    await makeOld('findings/')
    const dry = await run('lake', 'vacuum', '--dry-run')
    expect(dry.out).toEqual([
      expect.stringMatching(/^findings: 9 files, \d+ bytes, 2 files of the log; 1 version kept$/),
      expect.stringMatching(/^would remove 9 files, \d+ bytes, 2 files of the log$/),
    ])
    const keys = await keysOf(lake.store, 'findings/')
    const done = await run('lake', 'vacuum', '--json')
    expect(JSON.parse(done.out[1] ?? '')).toMatchObject({
      kind: 'result',
      total: { files: 9, logFiles: 2 },
      dryRun: false,
    })
    expect(keys.length - (await keysOf(lake.store, 'findings/')).length).toBe(9 + 2)
    expect((await run('lake', 'vacuum')).out.at(-1)).toBe('removed 0 files, 0 bytes')
  })

  it('refuse a retention below a day, with the exit code of a wrong flag', async () => {
    expect(await run('lake', 'vacuum', '--retention-days', '0')).toMatchObject({
      code: 64,
      err: expect.stringContaining('no number of days from 1 on'),
    })
  })
})
