// The main job, by a client that was generated from the document: log in, upload a design and people, wait for the
// certificates, fetch one and look it up as anybody can. Usage: node main.js BASE_URL EMAIL PASSWORD

import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Problem = components["schemas"]["ErrorEnvelope"];

const [base, email, password] = process.argv.slice(2);
if (!base || !email || !password) throw new Error("usage: main.js BASE_URL EMAIL PASSWORD");
const client = createClient<paths>({ baseUrl: base });

function given<T>(what: string, answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) {
    const problem = answer.error as Problem | undefined;
    throw new Error(`${what}: ${answer.response.status} ${problem?.error?.code ?? ""} ${problem?.error?.message ?? ""}`);
  }
  return answer.data;
}

function form(file: Blob, name: string, fields: Record<string, string>): FormData {
  const form = new FormData();
  form.append("file", file, name);
  for (const [key, value] of Object.entries(fields)) form.append(key, value);
  return form;
}

// A generated type of a multipart body has texts where browsers have files; the serializer gets the real form.
function upload<T>(content: FormData) {
  return { body: {} as T, bodySerializer: () => content };
}

const login = given("login", await client.POST("/api/v1/auth/login", { body: { email, password } }));
const token: string = login.data.access_token;
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${token}`);
    return request;
  },
});

const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 297 210"><rect width="297" height="210" fill="#fff8e8"/></svg>`;
type Design = components["schemas"]["DesignForm"];
const design = given(
  "upload a design",
  await client.POST("/api/v1/certificates/upload-design", {
    ...upload<Design>(form(new Blob([drawing]), "frame.svg", { name: "Frame", client: "Acme" })),
  }),
);
const certificate = given(
  "define a certificate",
  await client.POST("/api/v1/certificates", {
    body: { client: "Acme", name: "Speaker", eventName: "Summit 2026", baseDesignUrl: design.data.url },
    params: { header: { "Idempotency-Key": crypto.randomUUID() } },
  }),
);

const people = "Name,Email,Document number\nAda Lovelace,ada@example.com,1\nJosé Núñez,jose@example.com,2\n";
type People = components["schemas"]["PeopleForm"];
const imported = given(
  "upload people",
  await client.POST("/api/v1/attendees/bulk-upload", {
    ...upload<People>(form(new Blob([people]), "people.csv", { certificateId: certificate.data.id })),
  }),
);
if (imported.data.errors !== 0) throw new Error(`rows were refused: ${JSON.stringify(imported.data.errorDetails)}`);

async function generated() {
  for (let tries = 0; tries < 300; tries += 1) {
    const list = given(
      "list what was issued",
      await client.GET("/api/v1/generated-certificates", {
        params: { query: { certificateId: [certificate.data.id], state: ["generated"] } },
      }),
    );
    if (list.data.length === 2) return list.data;
    await new Promise((resume) => setTimeout(resume, 200));
  }
  throw new Error("no certificates within a minute");
}

const [first] = await generated();
if (!first) throw new Error("an empty list of two");
const pdf = given(
  "download",
  await client.GET("/certificate/{publicId}/download", {
    params: { path: { publicId: first.publicId } },
    parseAs: "arrayBuffer",
  }),
) as unknown as ArrayBuffer;
if (!Buffer.from(pdf).subarray(0, 5).equals(Buffer.from("%PDF-"))) throw new Error("what came is no PDF");

const seen = await fetch(`${base}/certificate/${first.publicId}.json`);
const verified = (await seen.json()) as components["schemas"]["VerificationResponse"];
if (!verified.data.genuine || verified.data.status !== "valid") throw new Error("it does not verify");
console.log(`client: ${pdf.byteLength} bytes of PDF for ${verified.data.fullName}`);
