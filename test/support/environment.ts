/** Where `npm test` found a program that the test's header requires. */
export function found(variable: string): string {
  const value = process.env[variable];
  if (value === undefined) throw new Error(`${variable} is not set: run this test with npm test, which looks for it`);
  return value;
}
