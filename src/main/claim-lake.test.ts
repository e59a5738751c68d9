import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { makeFakeLake } from '../lake/s3/s3-lake.fixture.js'
import { checkLake, claimLake } from './claim-lake.js'

let lake: TestLake
beforeEach(async () => {
  lake = await makeLake()
})
afterEach(() => lake.remove())

describe('claiming a lake', () => {
  it('gives a new lake its city and format, and changes nothing afterwards', async () => {
    await claimLake(lake.store, 'springfield')
    const first = await lakeFile()
    expect(JSON.parse(first)).toEqual({ formatVersion: 2, city: 'springfield' })
    await claimLake(lake.store, 'springfield')
    expect(await lakeFile()).toBe(first)
  })

  it('refuses the lake of another city, and names both', async () => {
    await claimLake(lake.store, 'springfield')
    const message = expect.stringMatching(/lake of 'springfield', not of 'shelbyville'.*--lake/)
    const refused = { code: 'lake-of-other-city', remedy: 'fix-config', message }
    await expect(claimLake(lake.store, 'shelbyville')).rejects.toMatchObject(refused)
    expect(JSON.parse(await lakeFile()).city).toBe('springfield')
  })

  it('leaves the lake of another city as it was, also on a store that would replace it', async () => {
    const { fake, open, close } = await makeFakeLake({ ignoresConditions: true })
    const store = await open()
    await claimLake(store, 'springfield')
    await expect(claimLake(store, 'shelbyville')).rejects.toMatchObject({ code: 'lake-of-other-city' })
    expect(JSON.parse(String(fake.object('city/lake.json')?.bytes)).city).toBe('springfield')
    await close()
  })

  it('gives a new lake to one of two cities that claim it at once', async () => {
    const cities = ['springfield', 'shelbyville']
    const claims = await Promise.allSettled(cities.map((city) => claimLake(lake.store, city)))
    const owner = JSON.parse(await lakeFile()).city
    expect(claims.map(({ status }) => status)).toEqual(
      cities.map((city) => (city === owner ? 'fulfilled' : 'rejected')),
    )
  })

  it('refuses the lake of a newer release, and says what helps', async () => {
    await write('{"formatVersion":3,"city":"springfield","more":true}')
    const message = expect.stringContaining('use a newer wardbook')
    const refused = {
      code: 'lake-newer-format',
      remedy: 'fix-config',
      message,
      facts: { formatVersion: 3, known: 2 },
    }
    await expect(claimLake(lake.store, 'springfield')).rejects.toMatchObject(refused)
    await expect(checkLake(lake.store, 'springfield')).rejects.toMatchObject(refused)
  })

  it('refuses to write to the lake of an earlier release, naming the command, and lets it be read', async () => {
    await write('{"formatVersion":1,"city":"springfield"}')
    const message = expect.stringContaining(`wardbook lake migrate --lake ${lake.store.address}`)
    const refused = { code: 'lake-older-format', remedy: 'fix-config', message }
    await expect(claimLake(lake.store, 'springfield')).rejects.toMatchObject(refused)
    expect(await checkLake(lake.store, 'springfield')).toEqual({ formatVersion: 1, city: 'springfield' })
    const ofOther = { code: 'lake-of-other-city' }
    await expect(checkLake(lake.store, 'shelbyville')).rejects.toMatchObject(ofOther)
  })

  it('opens a lake whose file says more than we know', async () => {
    await write('{"formatVersion":2,"city":"springfield","more":true}')
    await claimLake(lake.store, 'springfield')
  })

  it.each(['', '{', '[]', '{"city":"springfield"}'])(
    'says that %j is no description of a lake',
    async (text) => {
      await write(text)
      const broken = { code: 'lake-file-broken', remedy: 'fix-source', cause: expect.any(Error) }
      await expect(claimLake(lake.store, 'springfield')).rejects.toMatchObject(broken)
    },
  )
})

async function write(text: string): Promise<void> {
  await lake.store.put('lake.json', new TextEncoder().encode(text))
}

async function lakeFile(): Promise<string> {
  return new TextDecoder().decode(await lake.store.get('lake.json'))
}
