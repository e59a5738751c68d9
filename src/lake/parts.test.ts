import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keysOf, makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { digestInName, putPart } from './parts.js'

let lake: TestLake
beforeEach(async () => {
  lake = await makeLake()
})
afterEach(() => lake.remove())

async function put(): Promise<string> {
  const scratch = await lake.store.scratch()
  const file = join(scratch.folder, 'part')
  await writeFile(file, 'the same bytes')
  const finished = { file, partition: { division: '7' }, rows: 1, uncompressedBytes: 10 }
  const { key } = await putPart(lake.store, 'tidy/calls', 3, finished)
  await scratch.remove()
  return key
}

describe('a part that is made again', () => {
  it('is the one object that lies there', async () => {
    expect(await put()).toBe(await put())
    expect(await keysOf(lake.store)).toHaveLength(1)
  })

  it('gets a name of its own where the old one has lain there so long that vacuum may be about to take it', async () => {
    const first = await put()
    const dayAgo = Date.now() / 1000 - 86_400
    await utimes(join(lake.folder, 'tidy/calls', first), dayAgo, dayAgo)
    const second = await put()
    expect(second).not.toBe(first)
    expect(await put()).toBe(second)
    expect([first, second].map((key) => digestInName(key)?.length)).toEqual([24, 24])
  })
})
