<?php
/**
 * One request through the backend: its rounds of questions, and the changes that WordPress makes for it.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Sends a message until there is an answer.
 */
final class Doors_Exchange {

	const MOST_ROUNDS = 4;
	const ROUND_TYPE  = 'application/vnd.learnomy.round+json';

	/**
	 * The backend's answer.
	 *
	 * @param array $message Facts of the channel.
	 * @return Rest_Response
	 */
	public static function run( array $message ): Rest_Response {
		$request_id = (string) $message['headers']['X-Request-ID'];
		$next       = $message;
		for ( $round = 0; $round <= self::MOST_ROUNDS; $round++ ) {
			$reply = Channel::request( $next );
			if ( '' !== $reply->failure ) {
				return self::unavailable( $request_id );
			}
			if ( '' !== $reply->fire_token() ) {
				self::fire( $reply->fire_token(), 'internal' === $message['door'] );
			}
			if ( 'answer' === $reply->control() ) {
				return Doors_File::begins( $reply )
					? Rest_Response::of_file( new Doors_File( $next, $reply ), $reply->status, $reply->caller_headers() )
					: Rest_Response::of_bytes( $reply->body, $reply->status, $reply->caller_headers() );
			}
			$document = $reply->json();
			if ( 'effect' === $reply->control() && null !== $document ) {
				return self::effect( $document, $request_id );
			}
			if ( 'ask' !== $reply->control() || ! isset( $document['round'], $document['asks'] ) || ! is_array( $document['asks'] ) ) {
				break;
			}
			$began   = Channel::now_ms();
			$answers = Asks::answer( $document['asks'] );
			if ( is_wp_error( $answers ) ) {
				return Rest_Errors::of_wp_error( $answers );
			}
			$next = self::next_round( $message, $document['round'], $answers );
			// Only waiting for the backend counts; a write keeps its deadline, which is signed.
			if ( 'read' === $message['class'] ) {
				$message['until_ms'] += Channel::now_ms() - $began;
				$next['until_ms']     = $message['until_ms'];
			}
		}
		return Rest_Response::error( 500, 'internal_error', '', array(), $request_id );
	}

	/**
	 * The answer where there is no backend.
	 *
	 * @param string $request_id Request id.
	 * @return Rest_Response
	 */
	public static function unavailable( string $request_id ): Rest_Response {
		$breaker = new Breaker( Bridge_Options::address() );
		return Rest_Response::error( 503, 'backend_unavailable', '', array(), $request_id, $breaker->retry_after() );
	}

	/**
	 * The same request again, with the answers.
	 *
	 * @param array  $message First request.
	 * @param string $round   The backend's token of the round.
	 * @param array  $answers Answers by id.
	 * @return array
	 */
	private static function next_round( array $message, string $round, array $answers ): array {
		$wrapped                 = array(
			'round'        => $round,
			'content_type' => $message['content_type'],
			'body'         => base64_encode( (string) $message['body'] ),
			'answers'      => (object) $answers,
		);
		$message['body']         = Envelope::encode( $wrapped );
		$message['content_type'] = self::ROUND_TYPE;
		return $message;
	}

	/**
	 * Lets WordPress make the changes, and answers.
	 *
	 * @param array  $document   Effects and the answer to give.
	 * @param string $request_id Request id.
	 * @return Rest_Response
	 */
	private static function effect( array $document, string $request_id ): Rest_Response {
		$effects = isset( $document['effects'] ) && is_array( $document['effects'] ) ? $document['effects'] : array();
		$done    = Effects::perform( $effects );
		if ( is_wp_error( $done ) ) {
			$data = $done->get_error_data();
			if ( ! is_array( $data ) || ! isset( $data['status'] ) ) {
				$done = new \WP_Error( $done->get_error_code(), $done->get_error_message(), array( 'status' => 400 ) );
			}
			return Rest_Errors::of_wp_error( $done );
		}
		$answer  = isset( $document['answer'] ) && is_array( $document['answer'] ) ? $document['answer'] : array();
		$headers = array();
		foreach ( isset( $answer['headers'] ) && is_array( $answer['headers'] ) ? $answer['headers'] : array() as $name => $value ) {
			$headers[ strtolower( (string) $name ) ] = (string) $value;
		}
		$status = isset( $answer['status'] ) ? (int) $answer['status'] : 200;
		$plain  = Channel_Reply::of( $status, $headers, '' );
		return Rest_Response::of_data(
			isset( $answer['body'] ) ? $answer['body'] : null,
			$status,
			array( 'X-Request-ID' => $request_id ) + $plain->caller_headers()
		);
	}

	/**
	 * Fires the actions that the request wrote: inside WordPress at once, else once the answer is sent.
	 *
	 * @param string $token  Claim.
	 * @param bool   $at_once Whether at once.
	 * @return void
	 */
	private static function fire( string $token, bool $at_once ): void {
		if ( $at_once ) {
			Actions::fire_token( $token );
		} else {
			Actions::defer_token( $token );
		}
	}
}
