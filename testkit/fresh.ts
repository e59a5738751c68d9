import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { makeLake, type TestLake } from './lake-fixture.js'

/** A lake that is another, empty one in each test of the file; removed behind it. */
export function freshLake(): TestLake {
  let lake: TestLake | undefined
  beforeEach(async () => {
    lake = await makeLake()
  })
  afterEach(() => lake?.remove())
  const current = (): TestLake => {
    if (lake === undefined) throw new Error('there is a lake within a test only')
    return lake
  }
  return {
    get store() {
      return current().store
    },
    get folder() {
      return current().folder
    },
    remove: () => current().remove(),
  }
}

/** A folder that is another, empty one in each test of the file; removed behind it. @param name for who looks into the temporary folder */
export function freshFolder(name: string): { readonly path: string } {
  const folder = { path: '' }
  beforeEach(async () => {
    folder.path = await mkdtemp(join(tmpdir(), `wardbook-${name}-`))
  })
  afterEach(() => rm(folder.path, { recursive: true, force: true }))
  return folder
}
