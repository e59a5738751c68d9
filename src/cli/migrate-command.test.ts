import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copyKeptLake, type KeptLake } from '../../testkit/kept-lakes.js'
import { keysOf } from '../../testkit/lake-fixture.js'
import { runCommandLine } from './program.js'

let lake: KeptLake
beforeEach(async () => {
  lake = await copyKeptLake(1)
})
afterEach(() => lake.remove())

async function run(...argv: string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await runCommandLine(argv, { out: (line) => out.push(line), err: (line) => err.push(line) })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

describe('wardbook lake migrate', () => {
  it.each(['run', 'catch-up'])('is what %s names for a lake of an earlier release', async (command) => {
    const keys = await keysOf(lake.store)
    const { code, err } = await run(command, lake.cityFile, '--lake', lake.folder)
    expect(code).toBe(78)
    expect(err).toContain('lake-older-format')
    expect(err).toContain(`wardbook lake migrate --lake ${lake.folder}`)
    expect(await keysOf(lake.store)).toEqual(keys)
  })

  it('says each step, then that it is done, and the next time that there is nothing to do', async () => {
    const planned = await run('lake', 'migrate', '--lake', lake.folder, '--dry-run')
    expect(planned.code).toBe(0)
    expect(planned.out).toContain('would set on tidy/requests: delta.checkpointInterval, ')
    expect(planned.out).toContain('nothing was changed')
    const done = await run('lake', 'migrate', '--lake', lake.folder)
    expect(done.out).toContain('say in lake.json: format 2 instead of 1')
    expect(done.out).toContain('the lake has format 2 now')
    const again = await run('lake', 'migrate', '--lake', lake.folder)
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining('nothing to do') })
    expect((await run('ledger', 'verify', '--lake', lake.folder)).out).toMatch(/^whole: 13 events/)
  })

  it('says the same as one JSON object a line with --json', async () => {
    const { out } = await run('lake', 'migrate', '--lake', lake.folder, '--json')
    const lines = out.split('\n').map((line) => JSON.parse(line))
    expect(lines.at(-1)).toEqual({ kind: 'result', from: 1, to: 2, steps: lines.length - 1, dryRun: false })
    expect(lines[0]).toMatchObject({ kind: 'result', step: { kind: 'protect-table' } })
  })

  it('looks only where a lake is', async () => {
    const { code, err } = await run('lake', 'migrate', '--lake', `${lake.folder}-none`)
    expect(code).toBe(78)
    expect(err).toContain('lake-missing')
  })
})
