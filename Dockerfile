# A worker. Task modules are mounted below /app, where `import … from 'millrace/task'` finds the package:
#   docker run -v ./tasks:/app/tasks IMAGE worker --tasks /app/tasks/tasks.js --broker amqp://… --store mongodb://…
FROM node:20-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM node:20-bookworm-slim AS libraries
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=libraries /build/node_modules ./node_modules
COPY --from=build /build/dist ./node_modules/millrace/dist
COPY package.json LICENSE ./node_modules/millrace/
# The user that the base image brings; the worker writes no files.
USER node
# Process 1 is node itself, so that SIGTERM reaches the worker and it drains.
ENTRYPOINT ["node", "/app/node_modules/millrace/dist/cli/main.js"]
CMD ["worker"]
