import { makePocketCity } from './city/pocket-city.js'
import type { PortalMessage } from './portal-process.js'
import { startPocketPortals } from './publish/pocket-portals.js'
import { type CityChoice, describeCity } from './published-city.js'

/** The process of the portals: makes the city, publishes it, and publishes further days when it is told to; ends with its parent. */
process.on('disconnect', () => process.exit(0))
process.on('SIGINT', () => {}) // Ctrl-C is for the parent, which may still be reading
process.once('message', (choice: CityChoice) => {
  serve(choice).catch((thrown: unknown) => {
    process.stderr.write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`)
    process.exit(1)
  })
})

async function serve({ seed, size, asOf }: CityChoice): Promise<void> {
  const city = makePocketCity(seed, size)
  const portals = await startPocketPortals(city, asOf)
  const answer = (day: string) => process.send?.(describeCity(city, portals, day))
  process.on('message', ({ publish }: PortalMessage) => {
    portals.publish(publish)
    answer(publish)
  })
  answer(asOf)
}
