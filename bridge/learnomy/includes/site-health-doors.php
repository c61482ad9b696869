<?php
/**
 * Which doors are open: asks the site for its own REST API as a visitor would.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Requests of the site to itself.
 */
final class Site_Doors {

	const MARK    = 'lrn-doors-';
	const TIMEOUT = 5;

	/**
	 * Registers the callback.
	 */
	public static function init(): void {
		add_action( 'rest_api_init', array( self::class, 'mark' ) );
	}

	/**
	 * Marks answers of the full door to our own probes.
	 */
	public static function mark(): void {
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Only compared.
		$asked = (string) ( $_SERVER['HTTP_X_REQUEST_ID'] ?? '' );
		if ( 0 === strpos( $asked, self::MARK ) && ! headers_sent() ) {
			header( 'X-Learnomy-Door: full' );
		}
	}

	/**
	 * What answers a visitor: direct, early or full; '' where the site cannot reach itself.
	 *
	 * The early door leaves forms with files to WordPress and the direct door cannot, which tells the two apart.
	 *
	 * @return array{door: string, problem: string}
	 */
	public static function probe(): array {
		$plain = self::ask( array() );
		if ( ! is_wp_error( $plain ) && self::is_full( $plain ) ) {
			// It may only have been asked to renew the record of listeners.
			$plain = self::ask( array() );
		}
		if ( is_wp_error( $plain ) ) {
			return array(
				'door'    => '',
				'problem' => $plain->get_error_message(),
			);
		}
		if ( self::is_full( $plain ) ) {
			return array(
				'door'    => 'full',
				'problem' => '',
			);
		}
		$form = self::ask( array( 'Content-Type' => 'multipart/form-data; boundary=learnomy' ) );
		return array(
			'door'    => is_wp_error( $form ) || ! self::is_full( $form ) ? 'direct' : 'early',
			'problem' => '',
		);
	}

	/**
	 * Whether a call of the backend's arrives, and an Authorization header with it.
	 *
	 * @return array{reached: bool, authorization: bool, problem: string}
	 */
	public static function loopback(): array {
		$body  = '{}';
		$time  = (string) Channel::now_ms();
		$nonce = bin2hex( random_bytes( 16 ) );
		$blog  = (string) get_current_blog_id();
		$parts = array( Channel_Keys::PROTOCOL, 'call', 'ping', hash( 'sha256', $body ), $blog, $time, $nonce );
		$base  = Bridge_Options::get( 'loopback' );
		$reply = wp_remote_post(
			untrailingslashit( '' === $base ? home_url() : $base ) . '/?learnomy-bridge=ping',
			array(
				'timeout'     => self::TIMEOUT,
				'redirection' => 0,
				'sslverify'   => false,
				'body'        => $body,
				'headers'     => array(
					'Host'                 => self::host(),
					'Content-Type'         => 'application/json',
					'Authorization'        => 'Bearer learnomy-site-health',
					'X-Learnomy-Bridge'    => Channel_Keys::PROTOCOL,
					'X-Learnomy-Blog'      => $blog,
					'X-Learnomy-Time'      => $time,
					'X-Learnomy-Nonce'     => $nonce,
					'X-Learnomy-Signature' => Channel_Keys::sign( 'call', $parts ),
				),
			)
		);
		$data  = is_wp_error( $reply ) ? null : json_decode( (string) wp_remote_retrieve_body( $reply ), true );
		return array(
			'reached'       => is_array( $data ) && isset( $data['data']['time_ms'] ),
			'authorization' => is_array( $data ) && ! empty( $data['data']['authorization'] ),
			'problem'       => is_wp_error( $reply ) ? $reply->get_error_message() : 'HTTP ' . wp_remote_retrieve_response_code( $reply ),
		);
	}

	/**
	 * Asks the site for its health by REST.
	 *
	 * @param array $headers Headers.
	 * @return array|\WP_Error
	 */
	private static function ask( array $headers ) {
		$reply = wp_remote_get(
			rest_url( 'learnomy/v1/health' ),
			array(
				'timeout'     => self::TIMEOUT,
				'redirection' => 0,
				'sslverify'   => false,
				'headers'     => $headers + array( 'X-Request-ID' => self::MARK . wp_generate_password( 12, false ) ),
			)
		);
		if ( ! is_wp_error( $reply ) && null === json_decode( (string) wp_remote_retrieve_body( $reply ) ) ) {
			return new \WP_Error( 'no_json', 'HTTP ' . wp_remote_retrieve_response_code( $reply ) );
		}
		return $reply;
	}

	/**
	 * Whether an answer came from the full door.
	 *
	 * @param array $reply Reply.
	 * @return bool
	 */
	private static function is_full( array $reply ): bool {
		return 'full' === wp_remote_retrieve_header( $reply, 'x-learnomy-door' );
	}

	/**
	 * The site's host, with its port.
	 *
	 * @return string
	 */
	private static function host(): string {
		$port = wp_parse_url( home_url(), PHP_URL_PORT );
		return (string) wp_parse_url( home_url(), PHP_URL_HOST ) . ( $port ? ":$port" : '' );
	}
}
